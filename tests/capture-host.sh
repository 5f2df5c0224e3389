#!/usr/bin/env bash
# Captures what virtdiag reads of this host into a directory for --root: configuration, domain XML, cgroup files, /proc
# of the guests, SELinux contexts, and the manifest with owner, mode, label and header of every image in the directories
# given. Run it as root on the host to be captured.
#   capture-host.sh DIR IMAGE_DIR...
# Text only, small; passwords in XML are not looked for: capture hosts that have none.
set -u
out=${1:?usage: capture-host.sh DIR IMAGE_DIR...}
shift
mkdir -p "$out" || exit 3
manifest=$out/virtdiag-manifest.jsonl
: >"$manifest"

copy() { # copy PATH...: regular text files, as they are
	local f
	for f in "$@"; do
		if [ ! -f "$f" ] || [ ! -r "$f" ]; then continue; fi
		mkdir -p "$out$(dirname "$f")"
		cat -- "$f" >"$out$f" 2>/dev/null || rm -f "$out$f"
	done
}
json() { # json TEXT: a JSON string
	local s=$1
	s=${s//\\/\\\\}
	s=${s//\"/\\\"}
	s=${s//$'\t'/\\t}
	s=${s//$'\n'/\\n}
	printf '"%s"' "$s"
}
entry() { # entry PATH: a manifest line
	local p=$1 type mode uid gid size label acl xattrs='' name value header=''
	if [ ! -e "$p" ] && [ ! -L "$p" ]; then
		printf '{"path":%s,"type":"missing"}\n' "$(json "$p")" >>"$manifest"
		return
	fi
	if [ -L "$p" ]; then
		printf '{"path":%s,"type":"symlink","target":%s}\n' "$(json "$p")" "$(json "$(readlink "$p")")" >>"$manifest"
		return
	fi
	read -r mode uid gid size <<<"$(stat -c '%a %u %g %s' -- "$p")"
	if [ -d "$p" ]; then type=dir; elif [ -b "$p" ]; then type=block; elif [ -c "$p" ]; then type=char
	elif [ -p "$p" ]; then type=fifo; elif [ -S "$p" ]; then type=socket; else type='file'; fi
	label=$(getfattr --absolute-names --only-values -n security.selinux -- "$p" 2>/dev/null | tr -d '\0')
	[ -n "$label" ] && xattrs="\"security.selinux\":$(json "$label")"
	while IFS='=' read -r name value; do
		value=${value#\"}
		xattrs+="${xattrs:+,}\"$name\":$(json "${value%\"}")"
	done < <(getfattr --absolute-names -d -m '^trusted\.libvirt' -- "$p" 2>/dev/null | grep '=')
	acl=$(getfacl -pcE -- "$p" 2>/dev/null | grep -v '^$' | paste -sd,)
	[[ "$acl" == *mask* ]] || acl=
	if [ "$type" = file ] && [ "$(head -c 3 -- "$p" | tr -d '\0')" = QFI ]; then
		header=headers$p
		mkdir -p "$out/$(dirname "$header")"
		head -c 1024 -- "$p" >"$out/$header"
	fi
	printf '{"path":%s,"type":"%s","mode":"%04o","uid":%s,"gid":%s,"size":%s,"fstype":"%s"%s,"xattrs":{%s}%s}\n' "$(json "$p")" \
		"$type" "0$mode" "$uid" "$gid" "$size" "$(stat -f -c %T -- "$p" | sed 's|ext2/ext3|ext4|')" \
		"${acl:+,\"acl\":$(json "$acl")}" "$xattrs" \
		"${header:+,\"header_file\":$(json "/$header")}" >>"$manifest"
}

copy /etc/hostname /etc/machine-id /etc/os-release /etc/selinux/config /sys/fs/selinux/enforce
copy /etc/selinux/*/contexts/{virtual_domain_context,virtual_image_context,lxc_contexts,customizable_types}
copy /etc/libvirt/{qemu,lxc,libvirtd,virtlogd,virtqemud}.conf /etc/libvirt/{qemu,lxc}/*.xml
copy /run/libvirt/{qemu,lxc}/*.xml /run/libvirtd.pid /run/virtqemud.pid
for conf in "$out"/etc/libvirt/*.conf; do # comments and empty lines say nothing
	[ -f "$conf" ] && sed -i '/^[[:space:]]*\(#\|$\)/d' "$conf"
done
grep -E '^(root|libvirt-qemu|qemu|tss|swtpm):' /etc/passwd >"$out/etc/passwd"
grep -E '^(root|libvirt-qemu|qemu|kvm|libvirt|tss|swtpm):' /etc/group >"$out/etc/group"
for lib in /usr/lib*/libvirt.so.0.* /usr/lib/*/libvirt.so.0.*; do # the name tells the version
	[ -e "$lib" ] && mkdir -p "$out$(dirname "$lib")" && : >"$out$lib"
done
copy /proc/cgroups /proc/stat /proc/self/mountinfo
sed -i '/^\(cpu\|intr\|softirq\)/d' "$out/proc/stat"
for pid in $(sed -n "s/.*<domstatus .*pid='\([0-9]*\)'.*/\1/p" /run/libvirt/{qemu,lxc}/*.xml 2>/dev/null) \
	$(cat /run/libvirtd.pid 2>/dev/null); do
	copy /proc/"$pid"/{cgroup,stat,cmdline,attr/current} /proc/"$pid"/task/*/{cgroup,comm}
done
for top in /sys/fs/cgroup /sys/fs/cgroup/*/; do
	mountpoint -q "$top" || continue # a hierarchy, not a group
	copy "$top"/cgroup.{controllers,procs,subtree_control}
	for group in "$top"/machine.slice "$top"/machine; do
		[ -d "$group" ] || continue
		while IFS= read -r -d '' f; do copy "${f//\/\//\/}"; done < <(find "$group" -type f -readable \( \
			-name 'cgroup.*' -o -name 'cpu.stat' -o -name 'cpu.max' -o -name 'cpu.weight' -o -name '*.pressure' \
			-o -name 'memory.current' -o -name 'memory.max' -o -name 'memory.high' -o -name 'memory.events' \
			-o -name 'memory.swap.max' -o -name 'memory.swap.current' -o -name 'pids.current' -o -name 'pids.max' \
			-o -name 'io.max' -o -name 'io.weight' -o -name 'cpuset.cpus' -o -name 'cpuset.cpus.effective' \
			-o -name tasks -o -name 'cpuacct.usage' -o -name 'freezer.state' -o -name 'memory.limit_in_bytes' \
			-o -name 'memory.usage_in_bytes' -o -name 'memory.oom_control' -o -name 'memory.failcnt' \
			-o -name 'cpu.shares' -o -name 'cpu.cfs_*_us' \) ! -name 'cgroup.stat' ! -name 'cgroup.max.*' -print0)
	done
done
for dir in "$@"; do
	for p in "$dir" "$dir"/*; do entry "$p"; done
	while [ "$dir" != / ]; do
		dir=$(dirname "$dir")
		entry "$dir"
	done
done
sort -u -o "$manifest" "$manifest"
