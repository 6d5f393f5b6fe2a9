# Sourced, in the repository's folder, by the scripts that run the reference beside linkwright.
# shellcheck shell=bash

script=$(basename "$0")

fail() {
    printf '\n%s: FAILED: %s\n' "$script" "$*" >&2
    exit 1
}

# Where everything that is built goes.
mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)

# Makes sure of a Python environment with the reference, and names it in `venv`. $1: its folder below
# $target. The others: more packages.
install_reference() {
    command -v python3 >/dev/null || fail 'python3 is missing: on Debian, apt-get install python3'
    venv=$target/$1/venv
    # The version matters: what is compared is what this very release does.
    local packages=(in-toto==3.1.0 securesystemslib==1.6.0 "${@:2}")
    # Written last, and tried by running: a venv that was broken off or moved is made anew.
    [[ $(cat "$venv/packages" 2>/dev/null) != "${packages[*]}" ]] ||
        ! "$venv/bin/in-toto-verify" --version >/dev/null 2>&1 || return 0
    echo "$script: installing ${packages[*]} into $venv" >&2
    python3 -m venv --clear "$venv" ||
        fail 'python3 cannot make a venv: on Debian, apt-get install python3-venv'
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" ||
        fail "cannot install ${packages[*]} from PyPI"
    echo "${packages[*]}" >"$venv/packages"
}
