#!/usr/bin/env bats
# `virtdiag svirt` with the real libvirtd on a host without SELinux and AppArmor: it agrees on every value of
# security_driver, takes what was written, and refuses the guests that were named.
load helpers

setup_file() {
	load helpers
	libvirtd_kill # each test starts its own
}
setup() {
	cp -a /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf "$BATS_TEST_TMPDIR/"
}
teardown() {
	if daemon_runs; then libvirtd_kill; fi
	rm -f /etc/libvirt/*.bak /etc/libvirt/qemu/vd*.xml
	cp -a "$BATS_TEST_TMPDIR"/{qemu,lxc}.conf /etc/libvirt/
}
teardown_file() {
	load helpers
	libvirtd_start
}

daemon_runs() {
	[ -s /run/libvirtd.pid ] && ! gone "$(cat /run/libvirtd.pid)"
}
# tries: does libvirtd start with the files as they are? Its state may hang on a client that asks, so it is asked.
tries() {
	local i pid
	: >/var/log/libvirt/libvirtd.log
	detached libvirtd
	for ((i = 0; i < 200; i++)); do
		if timeout 20 virsh -q -c qemu:///system uri >/dev/null 2>&1; then return 0; fi
		if grep -q 'Driver state initialization failed' /var/log/libvirt/libvirtd.log; then break; fi
		sleep 0.1
	done
	for pid in $(pidof libvirtd); do until_true 20 gone "$pid" || return 2; done
	rm -f /run/libvirtd.pid
	return 1
}
# models: what the daemon says confines guests of the driver
models() {
	timeout 20 virsh -q -c "$1:///system" capabilities | sed -n '/<host>/,/<.host>/s|.*<model>\([a-z]*\)</model>.*|\1|p' | grep -v dac
}
next() {
	vd svirt status --json | jq -r --arg d "$1" '.drivers[] | select(.driver == $d) | .next'
}

@test "svirt status: for every value NEXT is what the daemon does" {
	local driver text wanted
	while IFS='|' read -r driver text; do
		cp "$BATS_TEST_TMPDIR"/{qemu,lxc}.conf /etc/libvirt/
		printf '%b\n' "$text" >>"/etc/libvirt/$driver.conf"
		wanted=$(next "$driver")
		echo "# $driver: $text: $wanted"
		if [ "$wanted" = fails ]; then
			run -1 tries
		else
			tries
			same "$(models "$driver")" "$wanted"
			libvirtd_kill
		fi
	done <<-'X'
		qemu|security_driver = "none"
		qemu|security_driver = []
		qemu|security_driver = [ "none" ]
		qemu|security_driver = "none"\nsecurity_driver = "selinux"
		qemu|security_driver = "selinux"\nsecurity_driver = "none"
		qemu|security_driver = ""
		qemu|security_driver = [ "" ]
		qemu|security_driver = "dac"
		qemu|security_driver = [ "none", "dac" ]
		qemu|security_driver = "None"
		qemu|security_driver = 1
		qemu|security_driver = [ 1 ]
		qemu|security_driver = [ "none", "none" ]
		qemu|security_driver = [ "none", "apparmor" ]
		qemu|security_driver = "none"\nsecurity_require_confined = 1
		qemu|security_require_confined = 1
		qemu|security_require_confined = 2
		qemu|security_default_confined = 0
		qemu|security_driver = none
		lxc|security_driver = "none"
		lxc|security_driver = [ "none" ]
		lxc|security_driver = []
		lxc|security_driver = ""
		lxc|security_driver = "selinux"
		lxc|security_driver = "none"\nsecurity_require_confined = 1
	X
}

@test "svirt disable: the daemon starts; guests that were named are refused, others start; enable gives the file back" {
	local before name
	before=$(sha256sum /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf)
	libvirtd_start
	define "${P}plain"
	define "${P}named" '' "<seclabel type='dynamic' model='selinux' relabel='yes'/>"
	define "${P}apart" '' "<seclabel type='none' model='apparmor'/>"
	libvirtd_kill
	run -0 --separate-stderr vd svirt disable
	grep -qx 'security_driver = "none"' /etc/libvirt/qemu.conf
	grep -qx 'security_driver = "none"' /etc/libvirt/lxc.conf
	libvirtd_start
	same "$(models qemu) $(models lxc)" 'none none'
	run -1 --separate-stderr vd svirt status --json
	same "$(json '.drivers[0].guests[] | [.guest, .refused_model] | @json')" "[\"${P}apart\",\"apparmor\"]
[\"${P}named\",\"selinux\"]
[\"${P}plain\",null]"
	for name in named apart; do
		run -1 v start --paused "$P$name"
		has "$output" 'is not available'
	done
	v start --paused "${P}plain"
	remove_all
	run -0 --separate-stderr vd svirt enable
	same "$(sha256sum /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf)" "$before"
	libvirtd_kill
	libvirtd_start
}

@test "svirt disable --restart: without systemd and an init script -> said; with the script -> done, in force" {
	libvirtd_start
	run -3 --separate-stderr vd svirt disable --driver qemu --restart
	has "$stderr" 'libvirtd was not restarted: there is neither systemd nor an init script'
	run -0 --separate-stderr vd svirt enable
	mount -t tmpfs tmpfs /etc/init.d
	cat >/etc/init.d/libvirtd <<-X
		#!/bin/bash
		[ "\$1" = restart ] || exit 2
		. '$BATS_TEST_DIRNAME/daemons.bash'
		libvirtd_kill
		libvirtd_start
	X
	chmod 755 /etc/init.d/libvirtd
	sleep 2 # the file must be newer than the process by the clock's tick
	local before
	before=$(cat /run/libvirtd.pid)
	run -0 --separate-stderr vd svirt disable --restart --json
	same "$(json '.changes[] | [.driver, .done, .restart, .command] | @json')" '["qemu","written","done",["/etc/init.d/libvirtd","restart"]]
["lxc","written","done",["/etc/init.d/libvirtd","restart"]]'
	[ "$(cat /run/libvirtd.pid)" != "$before" ]
	same "$(models qemu) $(models lxc)" 'none none'
	same "$(vd svirt status --json | jq -r '.drivers[] | .now')" 'none
none'
	run -0 --separate-stderr vd svirt disable --restart --json
	same "$(json '.changes[] | [.done, .restart] | @json')" '["unchanged","not needed"]
["unchanged","not needed"]'
	# it does not come up with the new file: the old one is put back, the same one, and it is started with that
	vd svirt enable --restart
	sed -i "3a grep -q '^security_driver = .none' /etc/libvirt/qemu.conf && { libvirtd_kill; exit 1; }" /etc/init.d/libvirtd
	sleep 2
	before=$(stat -c '%i %Z' /etc/libvirt/qemu.conf | cut -d' ' -f1; sha256sum /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf; ls /etc/libvirt)
	run -3 --separate-stderr vd svirt disable --restart --json
	same "$(json '.changes[] | [.driver, .done, .backup, (.undo // [] | length)] | @json')" '["qemu","put back",null,0]
["lxc","put back",null,0]'
	has "$stderr" "libvirtd could not be restarted (status 1)"
	has "$stderr" "/etc/libvirt/qemu.conf is what it was before"
	has "$stderr" "libvirtd was started with it"
	same "$(stat -c '%i %Z' /etc/libvirt/qemu.conf | cut -d' ' -f1; sha256sum /etc/libvirt/qemu.conf /etc/libvirt/lxc.conf; ls /etc/libvirt)" "$before"
	v uri
	umount /etc/init.d
}

# libvirt's own lens takes one plain string for security_driver, not the list that its daemon takes.
@test "svirt disable, enable: augeas with libvirt's lens reads the same" {
	local top=$BATS_TEST_TMPDIR/top text
	mkdir -p "$top/etc/libvirt"
	aug() { # NAME: the values that the lens finds, or that it cannot read the file
		cp /etc/libvirt/qemu.conf "$top/etc/libvirt/"
		augtool -r "$top" -At 'Libvirtd_qemu.lns incl /etc/libvirt/qemu.conf' \
			"match /files/etc/libvirt/qemu.conf/$1" | sed 's/^[^ ]* = //'
	}
	ours() {
		vd svirt status --json | jq -r '.drivers[0].configured | if . == "probe" then "  (no matches)" else . end'
	}
	while IFS='|' read -r form text; do
		printf %b "$text" >/etc/libvirt/qemu.conf
		[ "$form" != plain ] || same "$(aug security_driver)" "$(ours)"
		run -0 --separate-stderr vd svirt disable --driver qemu
		same "$(aug security_driver)" none
		same "$(ours)" none
		same "$(aug user)" nobody
		sed -i 's/^user = .*/user = "root"/' /etc/libvirt/qemu.conf
		[ "$form" != plain ] || run -0 --separate-stderr vd svirt enable --driver qemu
		[ "$form" != plain ] || same "$(aug security_driver)" "$(ours)"
	done <<-'X'
		plain|user = "nobody"\n
		plain|#security_driver = "selinux"\n\n# text\nuser = "nobody"\n
		plain|user = "nobody"\n#security_driver = "selinux"
		none|security_driver = ""\nuser = "nobody"\n
		list|security_driver = [ "none", "apparmor" ]\nuser = "nobody"\n
		list|user = "nobody"\nsecurity_driver = [ "apparmor" ]\ngroup = "x"\n
	X
}
