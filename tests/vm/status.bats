#!/usr/bin/env bats
# `virtdiag selinux status` where SELinux enforces: the kernel's word is the oracle.
load helpers

teardown() {
	setenforce 1
	restorecon -F /usr/sbin/libvirtd
	systemctl restart libvirtd
}
item() { # item ITEM [NAME]
	jq -r --arg i "$1" --arg n "${2:-}" '.items[] | select(.item == $i and ($n == "" or .name == $n)) |
		[.status, .value] | map(tostring) | join(" ")' <<<"$output"
}

@test "selinux status: healthy -> what ps, getenforce and getsebool say" {
	systemctl restart libvirtd virtlogd
	run -0 --separate-stderr vd selinux status --json
	same "$(item mode)" "ok enforcing"
	same "$(item daemon libvirtd)" "ok $(tr -d '\0\n' <"/proc/$(cat /run/libvirtd.pid)/attr/current")"
	same "$(item daemon virtlogd)" "ok $(tr -d '\0\n' <"/proc/$(cat /run/virtlogd.pid)/attr/current")"
	same "$(item binary libvirtd)" "ok $(label /usr/sbin/libvirtd)"
	same "$(item driver qemu)" "ok selinux (found by itself)"
	same "$(json '.items[] | select(.item == "boolean" and (.name | startswith("virt_"))) | .name + " --> " + .value')" \
		"$(getsebool -a | grep ^virt_)"
	# the policy of the machine makes these two permissive
	same "$(json '[.items[] | select(.item == "permissive") | .name] | sort | join(" ")')" "container_t virtd_lxc_t"
}

@test "selinux status: setenforce 0 -> a warning" {
	setenforce 0
	run -0 --separate-stderr vd selinux status --json
	same "$(item mode)" "warning permissive"
}

@test "selinux status: libvirtd's binary labelled bin_t -> daemon and binary wrong; the fixes mend both" {
	chcon -t bin_t /usr/sbin/libvirtd
	systemctl restart libvirtd
	has "$(tr -d '\0' <"/proc/$(cat /run/libvirtd.pid)/attr/current")" :initrc_t:
	run -1 --separate-stderr vd selinux status --json
	has "$(item daemon libvirtd)" "wrong system_u:system_r:initrc_t:s0"
	has "$(item binary libvirtd)" "wrong system_u:object_r:bin_t:s0"
	local argv
	while read -r line; do
		mapfile -t argv < <(jq -r '.[]' <<<"$line")
		"${argv[@]}"
	done < <(json '.items[] | select(.item == "daemon" and .name == "libvirtd") | .fix[].command | @json')
	has "$(tr -d '\0' <"/proc/$(cat /run/libvirtd.pid)/attr/current")" :virtd_t:
	run -0 --separate-stderr vd selinux status --json
	has "$(item daemon libvirtd)" "ok system_u:system_r:virtd_t:s0"
}
