#!/bin/sh
# keyring 25.7.0 on Linux: the first look for a keyring starts ldconfig, a C compiler and a linker, several times.
# One would guess that `keyring.get_keyring()` asks for a service of the desktop and nothing more. To rank its back ends it imports that
# of macOS on every system; this looks for Apple's frameworks by `ctypes.util.find_library`, which asks the tools of the C language when
# it finds nothing. It costs tens of milliseconds at the start of every program that stores a key, and needs none of these tools.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keyring==25.7.0
mkdir "$folder/bin"
for tool in gcc cc ld; do
    printf '#!/bin/sh\necho %s >>"%s/started"\nexit 1\n' "$tool" "$folder" >"$folder/bin/$tool"
    chmod +x "$folder/bin/$tool"
done
: >"$folder/started"
PATH=$folder/bin:$PATH "$folder/venv/bin/python" -c 'import keyring; print(type(keyring.get_keyring()).__module__)'
sort "$folder/started" | uniq -c
grep -q . "$folder/started" || { echo "it starts none of them now"; exit 1; }
