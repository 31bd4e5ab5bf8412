"""What the processes of test_edits.py run: jobs from stdin, one after the other, each answered by a line.

    edit_workers.py command PROGRAM LAKE TABLE      each job a run of the command
    edit_workers.py package LAKE TABLE              all jobs by one open table of the Python package
    edit_workers.py foreign FOLDER                  by deltalake
    edit_workers.py read LAKE TABLE LAST            every version's rows, as the package reads them
    edit_workers.py read-foreign FOLDER             of the versions in stdin, as deltalake reads them

A job is {"name", "do", ...}; an answer [name, exit status, figures, error], and the status of what was
killed is null. A name is what the history has as the commit's message.
"""

import json
import subprocess
import sys

CONFLICT, INVALID = 4, 3


def answer(name, code, figures=None, error=""):
    print(json.dumps([name, code, figures or {}, error]), flush=True)


def in_json(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


# ---- The command ---------------------------------------------------------------------------------

def clause_text(predicate, action, sets):
    """The SQL of a clause."""
    text = f"and {predicate} " if predicate else ""
    if action == "update":
        return text + "update set " + ", ".join(f"{name} = {value}" for name, value in sets.items())
    if action == "insert":
        return text + f"insert ({', '.join(sets)}) values ({', '.join(sets.values())})"
    return text + {"update_all": "update *", "insert_all": "insert *", "delete": "delete"}[action]


def words_of(table, job):
    """The arguments of a job, and what goes to stdin."""
    do = job["do"]
    if do in ("upsert", "overwrite"):
        where = ["--where", job["where"], "--yes"] if do == "overwrite" else []
        return [do, table, "-", "--input-format", "ndjson", *where], in_json(job["rows"])
    if do == "update":
        sets = [word for column, value in job["set"].items() for word in ("--set", f"{column}={value}")]
        return [do, table, "--where", job["where"], *sets], ""
    if do == "delete":
        return [do, table, "--where", job["where"]], ""
    if do == "merge":
        clauses = [word for when, *clause in job["clauses"]
                   for word in (f"--when-{when.replace('_', '-')}", clause_text(*clause))]
        return [do, table, "--source", "-", "--input-format", "ndjson", "--on", job["on"],
                *clauses], in_json(job["rows"])
    assert do == "run"
    return [table if word == "TABLE" else word for word in job["words"]], ""


def command(program, lake, table):
    for job in json.load(sys.stdin):
        words, text = words_of(table, job)
        process = subprocess.Popen([program, "--lake", lake, "--json", "--message", job["name"], *words],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        try:
            out, err = process.communicate(text, timeout=job.get("kill_after", 120))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            answer(job["name"], None, error="killed" if "kill_after" in job else "hangs")
            continue
        figures = json.loads(out) if process.returncode == 0 and out.startswith("{") else {}
        answer(job["name"], process.returncode, figures, err)


# ---- The package ---------------------------------------------------------------------------------

def merge_by(table, job):
    merge = table.merge(job["rows"], job["on"], message=job["name"])
    for when, predicate, action, sets in job["clauses"]:
        arguments = [predicate] if sets is None else [sets, predicate]
        getattr(merge, f"when_{when}_{action}")(*arguments)
    return merge.execute()


def package(lake_path, table_name):
    import varve

    with varve.Lake(lake_path, threads=2) as lake:
        table = lake.table(table_name)
        calls = {
            "upsert": lambda job: table.upsert(job["rows"], message=job["name"]),
            "overwrite": lambda job: table.overwrite(job["rows"], job["where"], message=job["name"]),
            "update": lambda job: table.update(job["set"], job["where"], message=job["name"]),
            "delete": lambda job: table.delete(job["where"], message=job["name"]),
            "merge": lambda job: merge_by(table, job)}
        for job in json.load(sys.stdin):
            try:
                answer(job["name"], 0, calls[job["do"]](job).as_dict())
            except varve.Conflict as error:
                answer(job["name"], CONFLICT, error=str(error))
            except varve.InvalidData as error:
                answer(job["name"], INVALID, error=str(error))


def read(lake_path, table_name, last):
    import varve

    with varve.Lake(lake_path, threads=2) as lake:
        table = lake.table(table_name)
        for version in range(int(last) + 1):
            print(json.dumps([version, table.scan(at=version).to_dicts()]), flush=True)


# ---- deltalake -----------------------------------------------------------------------------------

FIGURES = {"num_target_rows_inserted": "inserted", "num_target_rows_updated": "updated",
           "num_target_rows_deleted": "deleted", "num_updated_rows": "updated", "num_deleted_rows": "deleted"}


def foreign_merge(table, job, source, named):
    merge = table.merge(source, "t.k = s.k", source_alias="s", target_alias="t", commit_properties=named)
    merge = merge.when_matched_delete("s.gone").when_matched_update(
        {column: f"s.{column}" for column in ("p", "n", "who", "seen")})
    return merge.when_not_matched_insert(
        {column: f"s.{column}" for column in ("k", "p", "n", "who", "seen")}, "NOT s.gone").execute()


def foreign(folder):
    import deltalake
    import deltalake.exceptions
    import pyarrow as pa

    fields = [pa.field(name, pa.int64(), name == "who") for name in ("k", "p", "n", "seen")]
    fields.insert(3, pa.field("who", pa.string()))
    for job in json.load(sys.stdin):
        named = deltalake.CommitProperties(custom_metadata={"userMetadata": job["name"]})
        try:
            figures = {}
            if job["do"] == "append":
                rows = pa.Table.from_pylist(job["rows"], pa.schema(fields))
                deltalake.write_deltalake(folder, rows, mode="append", schema_mode="merge",
                                          commit_properties=named)
            elif job["do"] == "merge":
                rows = pa.Table.from_pylist(job["rows"], pa.schema([*fields, pa.field("gone", pa.bool_())]))
                figures = foreign_merge(deltalake.DeltaTable(folder), job, rows, named)
            elif job["do"] == "update":
                figures = deltalake.DeltaTable(folder).update(job["set"], predicate=job["where"],
                                                              commit_properties=named)
            else:
                figures = deltalake.DeltaTable(folder).delete(job["where"], commit_properties=named)
            answer(job["name"], 0, {FIGURES[name]: value for name, value in figures.items() if name in FIGURES})
        except deltalake.exceptions.CommitFailedError as error:
            answer(job["name"], CONFLICT, error=str(error))


def read_foreign(folder):
    import deltalake

    for version in json.load(sys.stdin):
        table = deltalake.DeltaTable(folder, version=version)
        rows = deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()
        names = rows.schema.names
        columns = [rows.column(name).to_pylist() for name in names]
        print(json.dumps([version, [dict(zip(names, values)) for values in zip(*columns)]]), flush=True)


if __name__ == "__main__":
    {"command": command, "package": package, "foreign": foreign, "read": read,
     "read-foreign": read_foreign}[sys.argv[1]](*sys.argv[2:])
