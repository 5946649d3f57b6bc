#!/bin/sh
# Writes its own process id and start time to a file, then becomes the program: the record is there before the program
# can open anything, and whoever finds the id later can tell the program from a stranger that was given the same number.
# HOLDFAST_PID_FILE names the file, HOLDFAST_EXEC the program; the arguments are the program's.
if [ -r "/proc/$$/stat" ]; then
  started=$(cut -d ' ' -f 22 "/proc/$$/stat")
else
  started=$(ps -o lstart= -p $$)
fi
printf '%s %s\n' "$$" "$started" > "$HOLDFAST_PID_FILE"
exec "$HOLDFAST_EXEC" "$@"
