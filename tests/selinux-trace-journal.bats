#!/usr/bin/env bats
# Protects what `virtdiag selinux trace` reads when it is given no FILE: the logs of the daemons and the journal. Needs
# libsystemd.

load helpers

LOG=$BATS_TEST_DIRNAME/data/selinux/trace-two-guests.log

t() {
	vd --root "$HOSTS/faulty-backing" selinux trace "$@"
}

@test "trace: no log to read -> exit 3, what to do" {
	run -3 --separate-stderr t
	has "$stderr" 'there is no journal in /var/log/journal or /run/log/journal; name the file to read'
	has "$stderr" 'give FILE, or - and its log on standard input'
	run -3 --separate-stderr t "$BATS_TEST_TMPDIR/none"
	has "$stderr" "$BATS_TEST_TMPDIR/none"
}

@test "trace: without FILE the daemon's own log is read" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"/{etc/libvirt,var/log,usr/sbin}
	: >"$root/usr/sbin/libvirtd"
	echo 'log_outputs = "3:syslog:x 1:file:/var/log/l.log"' >"$root/etc/libvirt/libvirtd.conf"
	cp "$LOG" "$root/var/log/l.log"
	run -0 --separate-stderr vd --root "$root" selinux trace --json
	same "$(json '.labels | length')" 8
	same "$(json '.labels[0].file')" /var/log/l.log
	# a syslog of such a host is its journal: where there is one it is read too, whatever the outputs are
	echo 'log_outputs = "1:file:/var/log/l.log"' >"$root/etc/libvirt/libvirtd.conf"
	mkdir -p "$root/var/log/journal/1"
	xz -dc "$BATS_TEST_DIRNAME/data/selinux/trace.journal.xz" >"$root/var/log/journal/1/system.journal"
	run -1 --separate-stderr vd --root "$root" selinux trace --json
	same "$(json '[.labels[].file] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" "/var/log/l.log 8, journal 2"
	same "$(json '.labels[] | select(.file == "journal") | [.action, .label, .path] | join(" ")')" \
		"set system_u:object_r:svirt_image_t:s0:c1,c2 /srv/j.qcow2
failed system_u:object_r:virt_content_t:s0 /srv/j.iso"
	# and alone
	echo 'log_outputs = "2:journald"' >"$root/etc/libvirt/libvirtd.conf"
	run -1 --separate-stderr vd --root "$root" selinux trace --json
	same "$(json '[.labels[].file] | unique | join(" ")')" journal
}

@test "trace: a file of the journal as FILE -> its labels" {
	xz -dc "$BATS_TEST_DIRNAME/data/selinux/trace.journal.xz" >"$BATS_TEST_TMPDIR/x.journal"
	run -1 --separate-stderr t --json "$BATS_TEST_TMPDIR/x.journal"
	same "$(json '[.labels[]|select(.file == "'"$BATS_TEST_TMPDIR/x.journal"'") | .path] | join(" ")')" "/srv/j.qcow2 /srv/j.iso"
}
