# Read by every login shell (as /etc/profile.d/minicloud.sh).
export EDITOR=vi PAGER=less LANG="${LANG:-C.UTF-8}"
# dash knows no \h: give it a prompt that says which VM this is, as bash has one.
if [ -n "${PS1-}" ] && [ -z "${BASH_VERSION-}" ]; then
  if [ "$(id -u)" = 0 ]; then PS1="root@$(hostname):\$PWD# "; else PS1="$(id -un)@$(hostname):\$PWD\$ "; fi
fi
