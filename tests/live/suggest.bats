#!/usr/bin/env bats
# `virtdiag filters suggest` against the daemon: it takes the string of every topic, and when the topic's part of libvirt
# is put to work, debug or info lines of that part arrive. The functions in the lines tell which part they are of.
# live: cgroup v1
# shellcheck disable=SC2046,SC2086 # names without blanks; lists of words
load helpers

G=${P}topic C=${P}box
LOG=/var/log/libvirt/topic.log
LINE='^[^ ]+ [^ ]+ [0-9]+: (debug|info) : ([A-Za-z0-9_]+):[0-9]+ : .*'

# What puts a topic to work, and regular expressions of functions, each of which must match a line. "only accepted": it
# cannot be put to work here, for the reason given.
TOPICS='
qemu         cycle     ^qemuProcessLaunch$ ^qemuMonitor ^virCgroup ^virSecurity ^virCommand ^virDomainCreate
qemu-driver  cycle     ^qemuProcessLaunch$ ^qemuMonitor ^virCgroup ^virCommand ^virDomainCreate
all          cycle     ^qemuProcessLaunch$ ^qemuMonitor ^virCgroup ^virSecurity ^virCommand ^virDomainCreate ^virCPU
monitor      cycle     ^qemuMonitorSend$ ^qemuMonitorJSONIOProcessLine$
lxc          container ^virLXC ^virCgroup
cgroup       cycle     ^virCgroup ^qemuCgroup
security     cycle     ^virSecurityManager ^virSecurityDAC
command      cycle     ^virCommandRun ^virProcess
event        cycle     ^virEvent
rpc          cycle     ^virNetServer ^virNetMessage
rpc-client   client    ^virNetClient ^doRemoteOpen$ ^virConnectOpen
locking      cycle     ^virDomainLock ^virLockManager
migration    save      ^qemuProcessHandleMigrationStatus$ ^virDomainObjBeginJob ^qemuMonitorSend$
network      network   ^network
nwfilter     nwfilter  ^virNWFilter
storage      storage   ^storagePool ^virStorageFileProbe
block        copy      ^virStorageSource ^qemuMonitorSend$
hostdev      nodedev   ^virPCI
cpu          cycle     ^virCPU ^virQEMUCaps
agent        only accepted: no system in the guest that could run an agent
hotplug      attach    ^qemuCgroupAllowDevicePath$ ^virDomainPCIAddress ^qemuMonitorSend$
snapshot     snapshot  ^virDomainMoment ^qemuBlockJob ^qemuMonitorSend$
virtlogd     virtlogd  ^virLogHandler ^virLogManager
startup      restart   ^virStateInitialize$ ^virNetSocket ^virConnectOpen
api          cycle     ^virDomainCreate$ ^virDomainDestroy$ ^virDomainDispose$
job          cycle     ^virDomainObjBeginJob ^virThreadJob
access       cycle     ^virAccessManagerCheck
tpm          only accepted: needs swtpm and a daemon that may start it
nodedev      only accepted: devices come and go with udev, which does not run
'

cycle() { v start $G && v destroy $G; }
container() { lv start $C && lv destroy $C; }
save() { v start $G && v managedsave $G && v managedsave-remove $G; }
attach() { v start $G && v attach-disk $G $IMAGES/topic-b.img vdb && v destroy $G; }
snapshot() {
	v start $G && v snapshot-create-as $G now --disk-only --no-metadata --diskspec "vda,file=$IMAGES/topic-$RANDOM.qcow2" &&
		v destroy $G
}
copy() {
	v start $G && v blockcopy $G vda $IMAGES/topic-c.img --transient-job --wait --finish && v domblkinfo $G vda && v destroy $G
}
storage() { v pool-create-as topic dir --target $IMAGES && v pool-destroy topic; }
nodedev() { v nodedev-list --cap pci; }
nwfilter() {
	echo "<filter name='topic'><rule action='drop' direction='in'/></filter>" >"$BATS_TEST_TMPDIR/xml"
	v nwfilter-define "$BATS_TEST_TMPDIR/xml" && v nwfilter-undefine topic
}
network() { # a host without the tools for its rules refuses it, after lines of the network driver
	echo "<network><name>topic</name><bridge name='vdtopic'/><ip address='192.168.77.1'/></network>" >"$BATS_TEST_TMPDIR/xml"
	if v net-create "$BATS_TEST_TMPDIR/xml"; then v net-destroy topic; fi
}

# log_set WHAT DAEMON STRING; log_get WHAT DAEMON
log_set() {
	timeout 30 virt-admin -q -c "$2:///system" "daemon-log-$1" "--$1" "$3"
}
log_get() {
	timeout 30 virt-admin -q -c "$2:///system" "daemon-log-$1" 2>/dev/null | sed "s/^ *Logging $1: *//; s/ *\$//"
}
suggested() {
	vd filters suggest "$1" --format plain --libvirt "$(v version | sed -n 's/^Using library: libvirt //p')"
}
# with_log DAEMON FILTERS COMMAND...: runs it while the daemon writes to $LOG, and puts everything back
with_log() {
	local daemon=$1 outputs status=0
	outputs=$(log_get outputs "$daemon")
	log_set filters "$daemon" "$2" && log_set outputs "$daemon" "1:file:$LOG" || return
	shift 2
	"$@" >"$BATS_TEST_TMPDIR/said" 2>&1 || status=$?
	log_set outputs "$daemon" "$outputs" && log_set filters "$daemon" '' || return
	[ "$status" -eq 0 ] || sed 's/^/# /' "$BATS_TEST_TMPDIR/said"
	return "$status"
}
# exercise HOW FILTERS: leaves the lines of the topic's daemon in $LOG
exercise() {
	rm -f "$LOG"
	case $1 in
	client) LIBVIRT_LOG_FILTERS=$2 LIBVIRT_LOG_OUTPUTS=1:file:$LOG v list >/dev/null ;;
	virtlogd) with_log virtlogd "$2" cycle ;;
	restart)
		libvirtd_kill
		LIBVIRT_LOG_FILTERS=$2 LIBVIRT_LOG_OUTPUTS=1:file:$LOG detached libvirtd
		until_true 60 v uri
		libvirtd_kill
		libvirtd_start
		;;
	*) with_log libvirtd "$2" "$1" ;;
	esac
}
functions() {
	sed -nE "s/$LINE/\2/p" "$LOG" | sort -u
}

setup_file() {
	load helpers
	truncate -s 1M $IMAGES/topic.img $IMAGES/topic-b.img
	define $G "$(disk $IMAGES/topic.img raw vda)" '<features><acpi/></features>'
	define_container $C
}
teardown_file() {
	remove_all
	lv destroy $C || true
	lv undefine $C
	log_set filters libvirtd ''
}

@test "filters suggest: every topic is in the table of this test, and no other" {
	run -0 --separate-stderr vd filters suggest --json
	same "$(json '.suggestions[].topic' | sort)" "$(awk 'NF {print $1}' <<<"$TOPICS" | sort)"
}

@test "filters suggest: every topic -> the daemon takes the string and has all its items" {
	local topic filters
	run -0 --separate-stderr vd filters suggest --json
	for topic in $(json '.suggestions[].topic'); do
		filters=$(suggested "$topic")
		[ -n "$filters" ]
		log_set filters libvirtd "$filters"
		# the daemon shows each pattern between stars
		same "$topic: $(log_get filters libvirtd)" "$topic: $(sed -E 's/([1-4]):([^ ]+)/\1:*\2*/g' <<<"$filters")"
	done
	log_set filters libvirtd ''
}

@test "no filters -> a guest's start and stop leave no debug and info lines" {
	rm -f $LOG
	with_log libvirtd '' cycle
	same "$(functions)" ""
}

@test "filters suggest: topics put to work -> lines of their part arrive at the output; all is put back" {
	local topic how want pattern outputs bad=0 done=0
	outputs=$(log_get outputs libvirtd)
	while read -r topic how want; do
		[ -n "$topic" ] || continue
		done=$((done + 1))
		if [ "$how" = only ]; then
			echo "# $topic: $how $want" >&3
			continue
		fi
		exercise "$how" "$(suggested "$topic")" || {
			echo "# $topic: $how failed"
			bad=$((bad + 1))
			v destroy $G || true
		}
		for pattern in $want; do
			functions | grep -qE "$pattern" && continue
			echo "# $topic: no line of $pattern; there are:" $(functions)
			bad=$((bad + 1))
		done
	done <<<"$TOPICS"
	same "$bad bad of $done" "0 bad of $(grep -c . <<<"$TOPICS")"
	same "$(log_get outputs libvirtd)|$(log_get filters libvirtd)" "$outputs|"
}
