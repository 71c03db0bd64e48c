#!/bin/sh
# Runs Mosquitto on copies of the users and the access list in the shared folder, and has it read them again
# when they change. Copies, because it gives up root and could not read another user's files.
#   run.sh CONFIG SHARED OWN [COMMAND]
set -eu
config=$1 shared=$2 own=$3 mosquitto=${4:-mosquitto}
look_every_s=1

copy() {
    for name in passwords access; do
        [ -e "$shared/$name" ] && cp "$shared/$name" "$own/$name.new" || : >"$own/$name.new"
        chmod 600 "$own/$name.new"
        if [ "$(id -u)" = 0 ] && id mosquitto >/dev/null 2>&1; then chown mosquitto "$own/$name.new"; fi
        mv "$own/$name.new" "$own/$name"
    done
}
seen() { cat "$shared/passwords" "$shared/access" 2>/dev/null | sha256sum; }

mkdir -p "$own"
if [ "$(id -u)" = 0 ] && id mosquitto >/dev/null 2>&1; then chown mosquitto "$own"; fi
last=$(seen)
copy
"$mosquitto" -c "$config" &
child=$!
trap 'kill -TERM $child; wait $child; exit 0' TERM INT

while kill -0 $child 2>/dev/null; do
    sleep $look_every_s &
    wait $!
    now=$(seen)
    if [ "$now" != "$last" ]; then
        last=$now
        copy
        kill -HUP $child
    fi
done
wait $child
