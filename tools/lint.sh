#!/bin/sh
# All checks that read the source and run nothing. Says what is wrong and goes on to the next.
set -u
cd "$(dirname "$0")/.."
failed=0
for check in layers size names buffers docs; do
    python3 "tools/check_$check.py" || failed=1
done

# Another version lays out a few things in another way, so it has no say.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    git ls-files 'include/*.h' 'src/*.[ch]' 'tests/*.[ch]' 'python/src/*.[ch]' |
        xargs -n 16 -P "$(nproc)" clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^ ]*\.[ch]\):\([0-9]*\):.*/\1:\2: the layout is not clang-format'"'"'s: make format/p' |
        sort -u | grep . && failed=1
else
    echo "lint: no clang-format 14: the layout is not checked" >&2
fi

[ "$failed" = 0 ] && echo "lint: nothing to complain about"
exit "$failed"
