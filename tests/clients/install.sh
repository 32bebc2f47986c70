#!/usr/bin/env bash
# Installs the relying parties of tests/clients/installed: Apache with mod_auth_openidc from Debian, the rest from npm.
set -euo pipefail
cd "$(dirname "$0")/installed"

packages=()
for package in apache2 libapache2-mod-auth-openidc nodejs npm; do
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
    *) dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && continue ;;
  esac
  packages+=("$package")
done

if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "make test-clients needs Debian packages: ${packages[*]} (run it as root on Debian, or install them)" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  # The packages are wanted for their programs; nothing of them shall start by itself.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

# npm ci starts from nothing each time; skip it while what is installed is what is locked.
if ! cmp -s package-lock.json node_modules/.installed-from; then
  npm ci --silent
  cp package-lock.json node_modules/.installed-from
fi
