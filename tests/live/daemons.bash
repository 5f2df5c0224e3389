# Starting and ending the daemons of the private libvirt; used by ./live and by tests that take a daemon down.

# until_true SECONDS COMMAND...: waits for COMMAND to succeed, not longer than SECONDS
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || {
			echo "# waited in vain for: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

# v ARGS...: virsh, never longer than a minute; lv: for containers
v() {
	timeout 60 virsh -q -c qemu:///system "$@"
}
lv() {
	timeout 60 virsh -q -c lxc:///system "$@"
}

# detached COMMAND...: in the background, without any descriptor of ours: bats waits until nobody has its own
detached() {
	(
		for fd in /proc/"$BASHPID"/fd/*; do
			fd=${fd##*/}
			if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
		done
		exec setsid "$@" >"/var/log/libvirt/$1.out" 2>&1 </dev/null
	) &
	disown # its end is not news
}
libvirtd_start() {
	detached libvirtd
	until_true 60 v uri || {
		tail -n 20 /var/log/libvirt/libvirtd.out /var/log/libvirt/libvirtd.log >&2
		return 1
	}
}
# libvirtd_kill: as a crash does it; guests go on
libvirtd_kill() {
	local pid
	pid=$(cat /run/libvirtd.pid) && kill -KILL "$pid" && until_true 20 gone "$pid"
}
gone() {
	! [ -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}
daemons_start() {
	detached virtlogd
	until_true 20 test -S /run/libvirt/virtlogd-sock || return
	libvirtd_start
}
