#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the Python and JavaScript tests use: .venv and tests/e2e/node_modules.
# Does nothing when both were made from the same lists by the same interpreters.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "error: $1" >&2
    echo "hint: $2" >&2
    exit 1
}

# One stamp names all that an environment is made from.
fingerprint() {
    sha256sum | cut -d' ' -f1
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "there is no $python" "apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old: the tests need Python 3.10 or newer" "set PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "this Python can not make virtual environments" "apt-get install python3-venv"

# Programs that tests run, and the packages of Debian that have them: for functions in Java and Ruby, and for container
# images, which are built and served with Debian's own tools.
lacking=
for needed in javac:openjdk-17-jdk-headless ruby:ruby umoci:umoci skopeo:skopeo docker-registry:docker-registry openssl:openssl; do
    command -v "${needed%%:*}" >/dev/null || lacking+=" ${needed#*:}"
done
install_packages() {
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends $lacking >&2
}
if [ -n "$lacking" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "prepare: installing$lacking" >&2
    # The list of packages may be older than the packages.
    if install_packages || { apt-get update --quiet --quiet >&2 && install_packages; }; then
        lacking=
    fi
fi
if [ -n "$lacking" ]; then
    [ -z "${CI:-}" ] || fail "the tests need$lacking" "apt-get install$lacking"
    echo "prepare: the tests of functions that need$lacking are skipped" >&2
    echo "hint: apt-get install$lacking" >&2
fi

want=$({ "$python" -c 'import sys; print(sys.executable, sys.version)'; cat tests/requirements.txt; } | fingerprint)
if [ "$(cat .venv/.stamp 2>/dev/null)" != "$want" ]; then
    echo "prepare: installing the Python packages of the tests into .venv" >&2
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
    echo "$want" >.venv/.stamp
fi

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    [ -z "${CI:-}" ] || fail "there is no Node.js with npm" "apt-get install nodejs npm"
    echo "prepare: no Node.js with npm here: the tests of Node functions and of the JavaScript SDK are skipped" >&2
    echo "hint: apt-get install nodejs npm" >&2
    exit 0
fi

want=$({ node --version; cat tests/e2e/package.json tests/e2e/package-lock.json; } | fingerprint)
if [ "$(cat tests/e2e/node_modules/.stamp 2>/dev/null)" != "$want" ]; then
    echo "prepare: installing the AWS SDK for JavaScript into tests/e2e/node_modules" >&2
    (cd tests/e2e && npm ci --silent --no-audit --no-fund --ignore-scripts >&2)
    echo "$want" >tests/e2e/node_modules/.stamp
fi
