#!/usr/bin/env bats
# Protects `virtdiag filters`: verdicts and levels as a real libvirtd 9.0.0 gave them, messages with a caret, warnings,
# suggestions that can be pasted, and the categories of each version.
# shellcheck disable=SC2154,SC2016

load helpers

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	mkdir -p "$ROOT/etc/libvirt"
	CASES=$BATS_TEST_DIRNAME/data/filters
}

# f ARGS...: filters ARGS on an empty root, for libvirt 9.0.0
f() {
	local verb=$1
	shift
	vd --root "$ROOT" filters "$verb" --libvirt 9.0.0 "$@"
}

# file PATH [TEXT]: a file below the root
file() {
	mkdir -p "$(dirname "$ROOT$1")"
	printf '%s' "${2-}" >"$ROOT$1"
}

@test "check: all cases -> the verdicts of libvirtd 9.0.0" {
	local kind string verdict rest s expected='' n=0 args=()
	while IFS=$'\t' read -r kind string verdict rest; do
		[ "$kind" = F ] || continue
		printf -v s '%b' "$string"
		args+=("$s")
		expected+="$verdict"$'\n'
		n=$((n + 1))
	done < <(sed 's/^\([FO]\)\t\t/\1\t\\c\t/' "$CASES/filter-cases.tsv")
	[ "$n" -gt 190 ]
	run -1 --separate-stderr f check --json -- "${args[@]}"
	same "$(json '.strings[] | if .valid then "accept" else "reject" end')" "${expected%$'\n'}"
}

@test "explain: all cases -> the levels of libvirt.so 9.0.0" {
	local filters category level wanted s got='' expected='' n=0
	while IFS=$'\t' read -r filters category level wanted; do
		printf -v s '%b' "$filters"
		run -0 --separate-stderr f explain --json --default-level "$level" -- "$s" "$category"
		got+="$output"
		expected+="$wanted"$'\n'
		n=$((n + 1))
	done < <(sed '/^#/d; s/^\t/\\c\t/' "$CASES/filter-semantics.tsv" | awk 'NR % 3 == 0')
	[ "$n" -gt 60 ]
	output=$got
	same "$(json '.categories[0].level')" "${expected%$'\n'}"
}

@test "check: valid string -> a row an item, exit 0" {
	run -0 --separate-stderr f check '1:qemu 3:util.json'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM         LEVEL    MATCH
			yes    1:qemu       debug    qemu
			yes    3:util.json  warning  util.json
		X
	)"
	same "$stderr" ""
}

@test "check: several bad items -> all reported with a caret, exit 1" {
	run -1 --separate-stderr f check '1:qemu 9:util x'
	same "$output" "$(
		cat <<-'X'
			VALID  ITEM    LEVEL  MATCH
			yes    1:qemu  debug  qemu
			no     9:util  -      -
			no     x       -      -

			error: Invalid priority '9' for filter '9:util'
			  1:qemu 9:util x
			         ^
			  the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)
			error: Malformed format for filter 'x'
			  1:qemu 9:util x
			                ^
			  an item is LEVEL:PATTERN, for example 1:qemu
			libvirt 9.0.0 refuses the whole string: 2 of 3 items are invalid.
		X
	)"
}

@test "check: the caret stands under the fault when the string is shown escaped" {
	run -1 --separate-stderr f check $'1:a\tb warn:é'
	has "$output" "$(
		cat <<-'X'
			  1:a\tb warn:é
			         ^~~~
			  levels are numbers: warn is 3
		X
	)"
}

@test "check: invalid string as JSON -> index, column, error" {
	run -1 --separate-stderr f check --json '1:é 9:util'
	same "$(json '.status, .command, (.strings | length)')" $'problems\nfilters check\n1'
	same "$(json '.strings[0] | [.input, .kind, .valid] | @json')" \
		'["1:é 9:util","filters",false]'
	same "$(json '.strings[0].items | @json')" \
		'[{"index":0,"column":1,"text":"1:é","level":1,"match":"é","valid":true,"error":null,"hint":null},{"index":1,"column":5,"text":"9:util","level":null,"match":null,"valid":false,"error":"Invalid priority '\''9'\'' for filter '\''9:util'\''","hint":"the level must be 1 (debug), 2 (info), 3 (warning) or 4 (error)"}]'
}

@test "check: what libvirt accepts silently -> warnings with their ids, exit 0, with --strict 1" {
	local string='1:qumu 1:QEMU 1:[q]emu 1:rpc,3:event 1:cpu:x 1:+lxc 1:util 4:util.pci'
	run -0 --separate-stderr f check --json --outputs 3:journald "$string"
	same "$(json '.strings[0].warnings[] | "\(.item) \(.id)"')" "$(
		cat <<-'X'
			0 no-match
			0 below-output
			1 case
			1 below-output
			2 brackets-literal
			2 below-output
			3 separator
			3 below-output
			4 suffix-ignored
			4 below-output
			5 stack-trace-flag
			5 below-output
			6 below-output
			6 flood
			7 shadowed
		X
	)"
	run -1 --separate-stderr f check --strict "$string"
	has "$output" "warning: no-match: 'qumu' matches no category; did you mean qemu or util.qemu?"
	run -0 --separate-stderr f check --strict '1:qemu'
}

@test "check: the flood's silencer, put before the item, ends the warning" {
	run -0 --separate-stderr f check '1:util'
	has "$output" "put '3:util.event 3:util.json 3:util.object' before it"
	run -0 --separate-stderr f check --strict '3:util.event 3:util.json 3:util.object 1:util'
}

@test "check: invalid --outputs -> judged too, exit 1" {
	run -1 --separate-stderr f check --outputs 3:stdout 1:qemu
	has "$output" "error: Invalid log destination 'stdout' for log output '3:stdout'"
	has "$output" 'there is no stdout; use stderr'
}

@test "check: an empty string -> valid, and what it does" {
	run -0 --separate-stderr f check ''
	same "$output" 'An empty string removes all filters.'
	run -0 --separate-stderr f check --json ' '
	same "$(json '.strings[0] | [.valid, .items] | @json')" '[true,[]]'
}

@test "check: versions -> too old 3, newer said, nonsense 2" {
	run -3 --separate-stderr vd --root "$ROOT" filters check --libvirt 8.10.0 1:qemu
	has "$stderr" 'cannot judge filters and outputs for libvirt 8.10.0'
	same "$output" ''
	run -0 --separate-stderr vd --root "$ROOT" filters check --libvirt 12.1.0 1:qemu
	has "$stderr" 'libvirt 12.1.0 is newer than what virtdiag knows: judged as 11.3.0'
	run -0 --separate-stderr vd --root "$ROOT" filters check --json --libvirt 12.1.0 1:qemu
	same "$(json '.libvirt, .catalogue')" $'12.1.0\nnewer'
	run -2 --separate-stderr vd --root "$ROOT" filters check --libvirt new 1:qemu
	run -0 --separate-stderr vd --root "$ROOT" filters check --strict --libvirt 11.3.0 1:qemu.nbdkit
	run -1 --separate-stderr vd --root "$ROOT" filters check --strict --libvirt 9.0.0 1:qemu.nbdkit
}

@test "check: the version of the host is the default" {
	file /usr/lib64/libvirt.so.0.9000.0
	run -0 --separate-stderr vd --root "$ROOT" filters check --json 1:qemu
	same "$(json '.libvirt, .catalogue')" $'9.0.0\nexact'
	mv "$ROOT/usr/lib64/libvirt.so.0.9000.0" "$ROOT/usr/lib64/libvirt.so.0.4006.0"
	run -3 --separate-stderr vd --root "$ROOT" filters check 1:qemu
	rm "$ROOT/usr/lib64/libvirt.so.0.4006.0"
	run -0 --separate-stderr vd --root "$ROOT" filters check --json 1:qemu
	same "$(json '.libvirt')" 11.3.0
}

@test "explain: differing categories -> who decides, and a count" {
	run -0 --separate-stderr f explain '4:cgroup 1:qemu.qemu_c'
	same "$output" "$(
		cat <<-'X'
			CATEGORY                LEVEL  ITEM           SOURCE
			domain.cgroup           error  4:cgroup       filter
			lxc.lxc_cgroup          error  4:cgroup       filter
			qemu.qemu_capabilities  debug  1:qemu.qemu_c  filter
			qemu.qemu_cgroup        error  4:cgroup       filter
			qemu.qemu_checkpoint    debug  1:qemu.qemu_c  filter
			qemu.qemu_command       debug  1:qemu.qemu_c  filter
			qemu.qemu_conf          debug  1:qemu.qemu_c  filter
			qemu.qemu_configs       debug  1:qemu.qemu_c  filter
			util.cgroup             error  4:cgroup       filter
			libvirt 9.0.0 has 329 categories: 5 debug, 0 info, 320 warning, 4 error.
		X
	)"
}

@test "explain: --outputs -> what each output receives" {
	run -0 --separate-stderr f explain --json --outputs '2:file:/tmp/x 3:journald 4:journald' '1:qemu' qemu.qemu_driver util.pci
	same "$(json '.categories | @json')" \
		'[{"category":"qemu.qemu_driver","level":1,"item":"1:qemu","source":"filter","outputs":[{"output":"file:/tmp/x","level":2},{"output":"journald","level":4}]},{"category":"util.pci","level":3,"item":null,"source":"default","outputs":[{"output":"file:/tmp/x","level":3},{"output":"journald","level":4}]}]'
	run -0 --separate-stderr f explain --outputs '2:file:/tmp/x 3:journald' '1:qemu' qemu.qemu_driver
	has "$output" 'file:/tmp/x info, journald warning'
}

@test "explain: --all-categories, --default-level" {
	run -0 --separate-stderr f explain --json --all-categories --default-level 2 '1:qemu'
	same "$(json '.categories | length')" 329
	same "$(json '[.categories[] | select(.level == 2 and .source == "default" and .item == null)] | length')" 286
	run -2 --separate-stderr f explain --default-level 5 1:qemu
}

@test "explain: an invalid string -> the error, no rows, exit 1" {
	run -1 --separate-stderr f explain 9:x
	has "$output" "error: Invalid priority '9' for filter '9:x'"
	hasnt "$output" CATEGORY
	run -1 --separate-stderr f explain --json 9:x
	same "$(json '.status, (.categories | length)')" $'problems\n0'
}

@test "explain: an unknown category -> its level and a warning" {
	run -0 --separate-stderr f explain 1:qemu qemu.qemu_monitr
	has "$output" 'qemu.qemu_monitr  debug  1:qemu  filter'
	has "$stderr" "libvirt has no log category 'qemu.qemu_monitr'; did you mean qemu.qemu_monitor?"
}

@test "list: glob -> the categories of that version" {
	run -0 --separate-stderr f list qemu_monitor
	same "$output" "$(
		cat <<-'X'
			CATEGORY                AREA  FILE                          SINCE  UNTIL  VOLUME
			qemu.qemu_monitor       qemu  src/qemu/qemu_monitor.c       1.2.3  -      high
			qemu.qemu_monitor_json  qemu  src/qemu/qemu_monitor_json.c  1.2.3  -      high
			qemu.qemu_monitor_text  qemu  src/qemu/qemu_monitor_text.c  1.2.3  9.0.0  -
		X
	)"
	run -0 --separate-stderr f list --json util.cg
	same "$(json '.categories[0] | [.category, .area, (.file | length), .since, .until, .volume] | @json')" \
		'["util.cgroup","util",4,"1.2.3",null,"high"]'
	run -0 --separate-stderr f list --json
	same "$(json '.categories | length')" 329
	run -0 --separate-stderr vd --root "$ROOT" filters list --json --libvirt 11.3.0
	same "$(json '.categories | length')" 344
}

@test "list: nothing matches -> the nearest name, exit 1" {
	run -1 --separate-stderr f list qumu_monitor
	same "$output" "no log category matches 'qumu_monitor'; did you mean qemu.qemu_monitor?"
}

@test "suggest: without topic -> the list" {
	run -0 --separate-stderr f suggest
	same "${lines[0]}" 'TOPIC        VOLUME  DAEMON         TITLE'
	same "${lines[1]}" 'qemu         high    virtqemud      QEMU driver, targeted'
	run -0 --separate-stderr f suggest --json
	same "$(json '.suggestions | length')" 29
	same "$(json '.suggestions[] | select(.topic == "security") | .aliases | @json')" \
		'["selinux","apparmor","dac","svirt","label"]'
}

@test "suggest: each topic's plain string -> valid, no warning but floods" {
	local topics topic
	run -0 --separate-stderr f suggest --json
	topics=$(json '.suggestions[].topic')
	for topic in $topics; do
		run -0 --separate-stderr f suggest --format plain "$topic"
		run -0 --separate-stderr f check --json "$output"
		same "$(json '[.strings[0].warnings[] | select(.id != "flood")] | length')" 0
	done
}

@test "suggest: the whole view on a modular host" {
	file /usr/sbin/virtqemud
	file /usr/sbin/libvirtd
	mkdir -p "$ROOT/etc/systemd/system/sockets.target.wants"
	ln -s /usr/lib/systemd/system/virtqemud.socket "$ROOT/etc/systemd/system/sockets.target.wants/virtqemud.socket"
	file /etc/libvirt/virtqemud.conf $'# mine\nlog_filters = "3:rpc"\nlog_outputs="2:journald 3:syslog:vq"\n'
	run -0 --separate-stderr f suggest qemu
	same "$output" "$(cat "$BATS_TEST_DIRNAME/data/filters/suggest-qemu.txt")"
	same "$stderr" ""
}

@test "suggest: which daemon -> monolithic, either, nowhere, asked for" {
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   virtqemud, or libvirtd where there are no modular daemons: no trace of either here (--daemon)'
	file /usr/sbin/libvirtd
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   libvirtd (/usr/sbin/libvirtd)'
	has "$output" 'virt-admin -c libvirtd:///system daemon-log-filters'
	hasnt "$output" 'rotates'
	file /usr/sbin/virtqemud
	run -0 --separate-stderr f suggest qemu
	has "$output" 'both are here (--daemon)'
	file /run/libvirt/libvirt-admin-sock
	run -0 --separate-stderr f suggest qemu
	has "$output" 'daemon   libvirtd (/run/libvirt/libvirt-admin-sock)'
	run -0 --separate-stderr f suggest --daemon virtlxcd security
	has "$output" 'virt-admin -c virtlxcd:///system daemon-log-filters'
	run -2 --separate-stderr f suggest --daemon virtnosuchd security
}

@test "suggest: virtlogd serves beside both and does not time out" {
	file /usr/sbin/libvirtd
	run -0 --separate-stderr f suggest --format virt-admin virtlogd
	same "$output" "$(
		cat <<-'X'
			virt-admin -c virtlogd:///system daemon-log-outputs '1:file:/var/log/libvirt/virtlogd.log 3:journald'
			virt-admin -c virtlogd:///system daemon-log-filters '1:logging 4:object 4:json 4:event 1:util'
		X
	)"
}

@test "suggest: --format -> only that" {
	local string='1:libvirt 1:qemu 1:conf 1:security 3:event 3:json 3:file 3:object 1:util'
	run -0 --separate-stderr f suggest --format plain qemu
	same "$output" "$string"
	run -0 --separate-stderr f suggest --format conf qemu
	same "$output" "log_filters = \"$string\""$'\nlog_outputs = "1:file:/var/log/libvirt/virtqemud.log 3:journald"'
	run -0 --separate-stderr f suggest --format env qemu
	same "$output" "LIBVIRT_LOG_FILTERS='$string'"$'\n'"LIBVIRT_LOG_OUTPUTS='1:file:/var/log/libvirt/virtqemud.log 3:journald'"
	run -0 --separate-stderr f suggest --format env rpc-client
	same "$output" $'LIBVIRT_LOG_FILTERS=\'1:rpc 1:remote 1:libvirt 3:event\'\nLIBVIRT_LOG_OUTPUTS=1:stderr'
	run -0 --separate-stderr f suggest --format conf network nwfilter
	has "$output" '# virtnetworkd'
	has "$output" '# virtnwfilterd'
	run -2 --separate-stderr f suggest --format virt-admin startup
	has "$stderr" 'virt-admin comes too late'
	run -2 --separate-stderr f suggest --format virt-admin rpc-client
	run -2 --separate-stderr f suggest --format plain
	run -2 --separate-stderr f suggest --format yaml qemu
	run -2 --separate-stderr f suggest --json --format plain qemu
}

@test "suggest: an output that takes the messages already stays alone" {
	file /etc/libvirt/virtqemud.conf 'log_outputs = "1:file:/srv/my.log 3:journald"'
	run -0 --separate-stderr f suggest --format conf qemu
	has "$output" 'log_outputs = "1:file:/srv/my.log 3:journald"'
	file /etc/libvirt/virtqemud.conf 'log_outputs = "1:journald 4:file:/var/log/libvirt/virtqemud.log"'
	run -0 --separate-stderr f suggest --format conf qemu
	has "$output" 'log_outputs = "1:file:/var/log/libvirt/virtqemud.log 1:journald"'
}

@test "suggest: level 2 is enough for QMP -> the output says so" {
	run -0 --separate-stderr f suggest --format conf qmp
	same "$output" $'log_filters = "2:qemu.qemu_monitor 3:*"\nlog_outputs = "2:file:/var/log/libvirt/virtqemud.log 3:journald"'
}

@test "suggest: a configuration that cannot be read -> said, the rest goes on" {
	file /etc/libvirt/virtqemud.conf 'log_filters = '
	run -0 --separate-stderr f suggest qemu
	has "$output" 'what /etc/libvirt/virtqemud.conf sets is unknown: the undo assumes that it sets nothing'
	has "$stderr" '/etc/libvirt/virtqemud.conf'
	run -0 --separate-stderr f suggest --json qemu
	same "$(json '.missing[0].what')" /etc/libvirt/virtqemud.conf
}

@test "suggest: hostile configuration -> quoted, and no control characters" {
	file /etc/libvirt/virtqemud.conf "log_outputs = '3:file:/x/\$(id)\"%n'"
	run -0 --separate-stderr f suggest qemu
	has "$output" "daemon-log-outputs '3:file:/x/\$(id)\"%n'"
	has "$output" 'Environment="LIBVIRT_LOG_OUTPUTS=1:file:/var/log/libvirt/virtqemud.log 3:file:/x/$(id)\"%%n"'
	has "$output" "log_outputs = '1:file:/var/log/libvirt/virtqemud.log 3:file:/x/\$(id)\"%n'"
	file /etc/libvirt/virtqemud.conf $'log_outputs = "3:file:/x/\e[31m"'
	run -0 --separate-stderr f suggest qemu
	hasnt "$output" $'\e'
	has "$output" 'is unknown'
}

@test "suggest: topics are merged -> one string, nothing shadowed" {
	run -0 --separate-stderr f suggest --format plain agent virtlogd
	same "$output" '4:object 4:json 4:event 1:qemu.qemu_agent 1:logging 1:util'
	run -0 --separate-stderr f suggest --json selinux cgroups
	same "$(json '.suggestions | length, .[0].topic, .[0].filters')" \
		$'1\nsecurity cgroup\n1:security 1:util.file 1:util.command 1:cgroup'
}

@test "suggest: JSON -> commands as vectors, undo, lines" {
	file /usr/sbin/virtqemud
	file /etc/libvirt/virtqemud.conf $'\nlog_filters = "3:rpc"\n'
	run -0 --separate-stderr f suggest --json access
	same "$(json '.suggestions[0] | .daemon, ([.ways[].id] | @json)')" $'virtqemud\n["virt-admin","conf","environment","client"]'
	same "$(json '.suggestions[0].ways[0] | [.commands[0], .undo[0]] | @json')" \
		'[["virt-admin","-c","virtqemud:///system","daemon-timeout","--timeout","0"],["virt-admin","-c","virtqemud:///system","daemon-log-filters","3:rpc"]]'
	same "$(json '.suggestions[0].ways[1] | [.file, .replaces_lines, .undo_lines] | @json')" \
		'["/etc/libvirt/virtqemud.conf",[2],["log_filters = \"3:rpc\""]]'
}

@test "suggest: version 11.3.0 -> without what is gone" {
	run -0 --separate-stderr vd --root "$ROOT" filters suggest --libvirt 11.3.0 nwfilter
	has "$output" 'filters  1:nwfilter 1:util.firewall 1:util.ebtables 1:util.command'
	has "$output" 'without 1:util.iptables, which matches nothing in this version'
}

@test "suggest: a misspelt topic -> the nearest, exit 2" {
	run -2 --separate-stderr f suggest selinx
	has "$stderr" "there is no topic 'selinx'; did you mean 'selinux'?"
	run -2 --separate-stderr f suggest zzzzzz
	has "$stderr" 'lists them'
	run -2 --separate-stderr vd --root "$ROOT" --session filters suggest qemu
}

@test "options: usage errors" {
	run -2 --separate-stderr vd filters
	run -2 --separate-stderr vd filters check
	run -2 --separate-stderr vd filters explain
	run -2 --separate-stderr vd filters list a b
}
