#!/bin/sh
# Bender charge controllers keep each value in a file of its own: the value in the first line, a version number in the
# second (bender.de, EOL documentation).  This one replaces a value, whole or not at all.
#
#   persistency.sh write KEY VALUE
#
# Exit codes: 10 somebody charges, 11 the files are locked, 12 there is no such key.
set -u
test "$1" = write || exit 2
test -e /var/run/charging && exit 10
file="/home/charge/persistency/$2_ocpp"
test -f "$file" || exit 12
test -e /etc/locked && exit 11
version=$(sed -n 2p "$file")
printf '%s\n%s\n' "$3" "$version" > "$file.new" || exit 1
sync
mv "$file.new" "$file"
