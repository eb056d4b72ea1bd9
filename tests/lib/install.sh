# shellcheck shell=bash
# What the scripts need from outside, installed where we may, else asked for by name.
# Sourced by tests/demo and tests/all.

# need TITLE PACKAGE... : makes sure that each `command:package` has its command.
need() {
    local title=$1 pair command package
    shift
    local -a missing=()
    for pair in "$@"; do
        command=${pair%%:*} package=${pair##*:}
        command -v "$command" >/dev/null 2>&1 || [[ -x /usr/sbin/$command ]] || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return
    install_packages "$title" "${missing[@]}"
}

install_packages() {
    local title=$1
    shift
    local -a as_root=()
    if ((EUID != 0)); then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            refuse "$title" "$@"
        fi
    fi
    command -v apt-get >/dev/null || refuse "$title" "$@"
    echo "installing $* ($title)" >&2
    "${as_root[@]}" apt-get update -qq >&2 || refuse "$title" "$@"
    local policy failed=0
    policy=$(forbid_services "${as_root[@]}")
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null || failed=1
    [[ -z $policy ]] || "${as_root[@]}" rm -f "$policy"
    ((failed == 0)) || refuse "$title" "$@"
}

# forbid_services AS_ROOT... : packages that are installed start no service; the tests start what
# they need. Prints the file to remove afterwards, nothing if the machine has a policy of its own.
forbid_services() {
    local policy=/usr/sbin/policy-rc.d
    [[ ! -e $policy ]] || return 0
    printf '#!/bin/sh\nexit 101\n' | "$@" tee "$policy" >/dev/null
    "$@" chmod 755 "$policy"
    echo "$policy"
}

refuse() {
    local title=$1
    shift
    cat >&2 <<-END
		$title: missing, and this script may not install it.
		On Debian or Ubuntu run, then try again:
		    sudo apt-get install --no-install-recommends $*
	END
    exit 1
}

# need_rust: cargo on the path, the toolchain the workspace asks for.
need_rust() {
    # shellcheck source=/dev/null
    command -v cargo >/dev/null || { [[ -r ${HOME:-/root}/.cargo/env ]] && . "${HOME:-/root}/.cargo/env"; }
    if ! command -v cargo >/dev/null; then
        echo "cargo is missing: install Rust from https://rustup.rs, then try again." >&2
        exit 1
    fi
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(cargo --version | cut -d' ' -f2)
    if [[ $(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1) != "$wanted" ]]; then
        echo "cargo $have is too old, $wanted is needed: run rustup update stable, then try again." >&2
        exit 1
    fi
}

# need_build: what `cargo build` wants besides Rust. pingora-core's zlib-ng is built by cmake.
need_build() {
    need_rust
    need "to build" cc:build-essential cmake:cmake make:make setpriv:util-linux
}

# need_venv PACKAGE==VERSION... : a Python environment below tests/ with these packages.
need_venv() {
    local venv=tests/.venv package
    local -a missing=()
    for package in "$@"; do
        [[ -e $venv/have/$package ]] || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return
    need "to test against servers of others" python3:python3
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
        install_packages "to make a Python environment" python3-venv
        python3 -m venv "$venv"
    fi
    echo "installing ${missing[*]} into $venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${missing[@]}" >&2 </dev/null || {
        echo "cannot install ${missing[*]} from PyPI into $venv: check the network, then try again." >&2
        exit 1
    }
    mkdir -p "$venv/have"
    (cd "$venv/have" && touch "${missing[@]}")
}

# need_node PACKAGE@VERSION... : npm's packages in a directory of their own below tests/.
need_node() {
    local dir=tests/.node package
    local -a missing=()
    for package in "$@"; do
        [[ -e $dir/have/${package//\//+} ]] || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return
    need "to test by tools of the web" node:nodejs npm:npm
    echo "installing ${missing[*]} into $dir" >&2
    mkdir -p "$dir/have"
    [[ -e $dir/package.json ]] || echo '{ "private": true }' >"$dir/package.json"
    npm install --prefix "$dir" --save-exact --ignore-scripts --no-audit --no-fund --silent \
        "${missing[@]}" >&2 </dev/null || {
        echo "cannot install ${missing[*]} from npm into $dir: check the network, then try again." >&2
        exit 1
    }
    for package in "${missing[@]}"; do
        touch "$dir/have/${package//\//+}"
    done
}

# target_dir: where cargo puts what it builds.
target_dir() {
    cargo metadata --format-version 1 --no-deps --locked |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
