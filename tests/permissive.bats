#!/usr/bin/env bats
# Protects the refusals of `virtdiag selinux permissive` and `enforcing`; what they do is tried in a virtual machine.

load helpers

@test "selinux permissive: command line -> what makes no sense is refused before anything happens" {
	run -2 --separate-stderr vd --root "$HOSTS/selinux-healthy" selinux permissive --dry-run
	run -2 --separate-stderr vd selinux permissive --dry-run --for 0
	has "$stderr" "longer than nothing"
	run -2 --separate-stderr vd selinux permissive --dry-run --for soon
	local name
	for name in '' ',' 'svirt_t,x y' '../x' 'a)(b' '-t'; do
		run -2 --separate-stderr vd selinux permissive --dry-run "--domain=$name"
		has "$stderr" "domain"
	done
	run -2 --separate-stderr vd selinux enforcing --for 5s
}

@test "selinux permissive: SELinux off -> says so, exit 3, the command is not run; on: --dry-run changes nothing" {
	if [ -e /sys/fs/selinux/enforce ]; then
		local before
		before=$(cat /sys/fs/selinux/enforce)
		run -0 --separate-stderr vd selinux permissive --dry-run
		same "$(cat /sys/fs/selinux/enforce)" "$before"
	else
		run -3 --separate-stderr vd selinux permissive -- touch "$BATS_TEST_TMPDIR/ran"
		has "$stderr" "SELinux is off"
		[ ! -e "$BATS_TEST_TMPDIR/ran" ]
		run -3 --separate-stderr vd selinux enforcing --domain svirt_t
		has "$stderr" "SELinux is off"
	fi
}

@test "selinux permissive: options of the command to run are its own" {
	run -2 --separate-stderr vd selinux permissive --nosuch ls
	[ -e /sys/fs/selinux/enforce ] || run -3 --separate-stderr vd selinux permissive ls --nosuch
}
