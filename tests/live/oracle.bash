# The private libvirtd with its SELinux driver switched on by a preload (svirt-oracle.c), for test files that ask it for
# labels: the driver labels real files, the test reads them.

# What a file without a label is taken for; the same as in svirt-oracle.c
DEFAULT_LABEL=system_u:object_r:virt_image_t:s0

# oracle_start: compile the preload and start the daemon anew with it; call it in setup_file. The contexts of the policy
# are in /etc/libvirt/oracle.
oracle_start() {
	local so=$BATS_FILE_TMPDIR/svirt-oracle.so
	"${CC:-cc}" -std=gnu11 -O1 -Wall -Wextra -fPIC -shared -fvisibility=hidden -o "$so" "$BATS_TEST_DIRNAME/svirt-oracle.c"
	mkdir /etc/libvirt/oracle
	echo system_u:system_r:svirt_t:s0 >/etc/libvirt/oracle/virtual_domain_context
	printf 'system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n' >/etc/libvirt/oracle/virtual_image_context
	libvirtd_kill
	LD_PRELOAD=$so libvirtd_start
	v capabilities | grep -q '<model>selinux</model>'
}

# label PATH: its label, nothing when it has none
label() {
	getfattr --absolute-names --only-values -n security.selinux "$1" 2>/dev/null | tr -d '\0'
}

# agree GUEST: every file in the images' directory, and every file that virtdiag lists for the guest: the driver's label is
# the one virtdiag expects; no label where it expects none
agree() {
	local f want got where bad=0 root
	run --separate-stderr vd selinux check "$1" --json
	[ "$status" -eq 3 ] || [ "$status" -eq 0 ] || { # the kernel has no SELinux: at most "cannot tell"
		echo "# exit $status: $output $stderr"
		return 1
	}
	root=/proc/$(pid "$1")/root
	while read -r f; do
		where=$f
		if [[ $f == /dev/* ]]; then
			# libvirt labels in the guest's own /dev. Nodes that it does not label have the label of the whole mount,
			# which only a kernel with SELinux gives them.
			where=$root$f
			[ "$(label "$where")" = "$DEFAULT_LABEL" ] && continue
			[ -n "$(label "$where")" ] || continue
		fi
		got=$(label "$where")
		want=$(jq -r --arg path "$f" '[.files[] | select(.path == $path) | .expected | values][0] // ""' <<<"$output")
		[ "$got" = "$want" ] && continue
		echo "# $f: libvirt set '$got', virtdiag expects '$want'"
		bad=1
	done < <({ printf '%s\n' "$IMAGES"/* && jq -r '.files[].path | values' <<<"$output"; } | sort -u)
	return $bad
}
