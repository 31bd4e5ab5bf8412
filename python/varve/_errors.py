"""What goes wrong, as exceptions: a class for each status code of libvarve."""


class VarveError(Exception):
    """A call of Varve failed. Each code has a class of its own; docs/errors.md explains them.

    code        the status number, which is also the exit status of the command `varve`
    status      its name, such as "CONFLICT"
    message     one line: what happened, to what, and what to do
    detail      further lines, such as the rejected rows; "" where there are none
    retryable   True: the same call may succeed later
    table       the table it is about, or None
    version     the version of that table it is about, or None
    os_errno, http_status   of the failed system call or request, else 0
    """

    code = 1
    status = "FAILED"

    def __init__(self, message, detail="", table=None, version=None, retryable=False,
                 os_errno=0, http_status=0):
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.table = table
        self.version = version
        self.retryable = retryable
        self.os_errno = os_errno
        self.http_status = http_status

    def __str__(self):
        first, _, rest = self.detail.partition("\n")
        if first and self.message.endswith(first):
            return f"{self.message}\n{rest}" if rest else self.message
        return f"{self.message}\n{self.detail}" if self.detail else self.message


class UsageError(VarveError):
    """What was asked for makes no sense: bad SQL, an unknown option, a closed lake."""

    code = 2
    status = "USAGE"


class InvalidData(VarveError):
    """Rows break the rules of their table; nothing was written. `detail` names the rows."""

    code = 3
    status = "INVALID_DATA"


class Conflict(VarveError):
    """Other writers won every attempt; nothing was written. Try again."""

    code = 4
    status = "CONFLICT"


class NotFound(VarveError):
    """There is no such lake, table, version, time or file."""

    code = 5
    status = "NOT_FOUND"


class Corrupt(VarveError):
    """Stored bytes are not what the protocol says that they must be."""

    code = 6
    status = "CORRUPT"


class Unsupported(VarveError):
    """The table uses a feature, named in the message, that Varve lacks."""

    code = 7
    status = "UNSUPPORTED"


class IOFailed(VarveError):
    """The storage refused or failed. Of a verify that could not read all: `report` says what."""

    report = None

    code = 8
    status = "IO"


class Limit(VarveError):
    """A limit of memory, size or time was reached."""

    code = 9
    status = "LIMIT"


class VerifyFailed(VarveError):
    """Verification found bad data; the tool itself is fine. `report` says what, where there is
    one."""

    report = None

    code = 10
    status = "VERIFY_FAILED"


class UnknownOutcome(VarveError):
    """The write may or may not have happened: repeat it with the same app_id and app_version."""

    code = 11
    status = "UNKNOWN"


class Interrupted(VarveError):
    """Lake.interrupt() ended the call. (Ctrl-C raises KeyboardInterrupt.)"""

    code = 130
    status = "INTERRUPTED"


_BY_CODE = {kind.code: kind for kind in (
    UsageError, InvalidData, Conflict, NotFound, Corrupt, Unsupported, IOFailed, Limit,
    VerifyFailed, UnknownOutcome, Interrupted)}


def error_of(code, message, detail, table, version, retryable, os_errno, http_status):
    """The exception for a failed call; the extension asks for it."""
    kind = _BY_CODE.get(code, VarveError)
    return kind(message, detail, table or None, version if version >= 0 else None,
                bool(retryable), os_errno, http_status)
