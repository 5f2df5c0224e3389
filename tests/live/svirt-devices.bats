#!/usr/bin/env bats
# The label rules of devices other than disks, what happens to the disks of a running guest, and what virtdiag says of
# files that were replaced under it, against libvirt's own SELinux driver (oracle.bash).
# shellcheck disable=SC2001,SC2016,SC2086,SC2154 # our paths have no blanks; names with $ in them; run's variables
load helpers
load oracle

setup_file() {
	load helpers
	load oracle
	# The boot record: without one each daemon works the time out anew, and two of them may differ by a second.
	truncate -s 384 /run/utmp
	printf '\x02' | dd of=/run/utmp bs=1 conv=notrunc status=none
	perl -e 'print pack("l<", $ARGV[0])' "$(sed -n 's/^btime //p' /proc/stat)" | dd of=/run/utmp bs=1 seek=340 conv=notrunc status=none
	# swtpm makes its certificates in a place that its usual user may not enter here
	printf 'swtpm_user = "root"\nswtpm_group = "root"\n' >>/etc/libvirt/qemu.conf
	mkdir -p /dev/hugepages
	mount -t hugetlbfs hugetlbfs /dev/hugepages
	oracle_start
}
teardown_file() {
	umount /dev/hugepages
	rmdir /dev/hugepages 2>/dev/null || true # one of the host's own is in use
}

setup() {
	rm -rf ${IMAGES:?}/*
	truncate -s 1M $IMAGES/{disk,bystander}.img
}
teardown() {
	remove_all
}

# status PATH: and reason of the last `selinux check --json`
verdict() {
	jq -r --arg path "$1" '.files[] | select(.path == $path) | "\(.status) \(.reason_id)"' <<<"$output"
}
# kernel FILE: makes what QEMU takes for a Linux kernel
kernel() {
	truncate -s 64K "$1"
	printf '\x01' | dd of="$1" bs=1 seek=$((0x1f1)) conv=notrunc status=none
	printf '\x55\xaa\xeb\x66HdrS\x0c\x02' | dd of="$1" bs=1 seek=$((0x1fe)) conv=notrunc status=none
	printf '\x01' | dd of="$1" bs=1 seek=$((0x211)) conv=notrunc status=none
	printf '\xff\xff\xff\x37' | dd of="$1" bs=1 seek=$((0x22c)) conv=notrunc status=none
}

@test "svirt: boot files, firmware blob, pipe, sockets, device, TPM, nvdimm, memory file, shared directory -> as the driver does" {
	kernel $IMAGES/kernel.img
	truncate -s 4K $IMAGES/initrd.img $IMAGES/slic.img $IMAGES/blob.img
	truncate -s 2M $IMAGES/nvdimm.img
	mkfifo $IMAGES/pipe.in $IMAGES/pipe.out $IMAGES/other
	cat >$BATS_TEST_TMPDIR/guest.xml <<-XML
		<domain type='qemu'><name>${P}many</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
		<maxMemory slots='4' unit='MiB'>512</maxMemory><memoryBacking><source type='file'/></memoryBacking>
		<os><type arch='x86_64' machine='q35'>hvm</type><kernel>$IMAGES/kernel.img</kernel>
		<initrd>$IMAGES/initrd.img</initrd><acpi><table type='slic'>$IMAGES/slic.img</table></acpi></os>
		<features><acpi/></features><cpu><numa><cell id='0' cpus='0' memory='32' unit='MiB'/></numa></cpu>
		<sysinfo type='fwcfg'><entry name='opt/org.example/blob' file='$IMAGES/blob.img'/></sysinfo>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>$(disk $IMAGES/disk.img raw vda)
		<serial type='pipe'><source path='$IMAGES/pipe'/></serial>
		<serial type='unix'><source mode='bind' path='$IMAGES/bound.sock'/></serial>
		<serial type='dev'><source path='/dev/null'/></serial>
		<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
		<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
		<shmem name='shm0'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
		<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>
		<memory model='nvdimm'><source><path>$IMAGES/nvdimm.img</path></source>
		<target><size unit='KiB'>2048</size><node>0</node><label><size unit='KiB'>128</size></label></target></memory>
		<filesystem type='mount' accessmode='squash'><source dir='$IMAGES'/><target dir='share'/></filesystem>
		</devices></domain>
	XML
	v define $BATS_TEST_TMPDIR/guest.xml
	v start --paused "${P}many"
	agree "${P}many"
	same "$(label $IMAGES/kernel.img)" system_u:object_r:virt_content_t:s0
	same "$(json '[.files[].role] | unique | join(" ")')" "channel disk filesystem fwcfg initrd kernel memory rng serial slic tpm"
	# what libvirt makes for the guest is labelled too, and no row as long as it is
	has "$(label "/var/lib/libvirt/qemu/domain-$(v domid "${P}many")-${P}many")" svirt_image_t:s0:c
}

# listen PATH: a server of a socket, until the end of the run
listen() {
	detached perl -MIO::Socket::UNIX -e \
		'$s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die; while (my $c = $s->accept) { push @c, $c }' "$1"
	until_true 20 test -S "$1"
	chmod 666 "$1"
}

# It ends with its guest.
somebodys_tpm() {
	rm -f $IMAGES/tpm.sock
	detached swtpm socket --tpm2 --tpmstate dir=$IMAGES/tpm --ctrl type=unixio,path=$IMAGES/tpm.sock
	until_true 20 test -S $IMAGES/tpm.sock
	chmod 666 $IMAGES/tpm.sock
}

@test "svirt: virtiofs, a generator's socket, a TPM of somebody else, a console's log -> left alone, as the driver does" {
	mkdir -p $IMAGES/share $IMAGES/tpm
	: >$IMAGES/console.log
	listen $IMAGES/egd.sock
	listen $IMAGES/console.sock
	somebodys_tpm
	define "${P}alone" "$(disk $IMAGES/disk.img raw vda)
		<filesystem type='mount'><driver type='virtiofs'/><source dir='$IMAGES/share'/><target dir='share'/></filesystem>
		<rng model='virtio'><backend model='egd' type='unix'><source mode='connect' path='$IMAGES/egd.sock'/></backend></rng>
		<tpm model='tpm-tis'><backend type='external'><source type='unix' mode='connect' path='$IMAGES/tpm.sock'/></backend></tpm>
		<console type='unix'><source mode='connect' path='$IMAGES/console.sock'/><log file='$IMAGES/console.log'/>
		<target type='virtio' port='0'/></console>" \
		"<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
	v start --paused "${P}alone"
	agree "${P}alone"
	same "$(json '[.files[] | select(.expected == null) | .role] | unique | join(" ")')" "console filesystem rng tpm"
	same "$(label $IMAGES/share)$(label $IMAGES/egd.sock)$(label $IMAGES/tpm.sock)" ""
	# virtiofsd runs as root and serves what QEMU itself may not see
	v destroy "${P}alone"
	somebodys_tpm
	chmod 700 $IMAGES/share
	chmod 600 $IMAGES/egd.sock
	run -1 --separate-stderr vd selinux check "${P}alone" --json
	same "$(verdict $IMAGES/egd.sock)" "denied dac-file"
	same "$(json '[.files[] | select(.status == "denied")] | length')" 1
	start_fails "${P}alone" v start --paused "${P}alone"
	has "$output" "egd.sock': Permission denied"
}

@test "svirt: huge pages -> the directory that libvirt makes for the guest, with its short name, which takes no label" {
	local before dir guest=${P}huge-pages-with-a-long-näme
	before=$(</proc/sys/vm/nr_hugepages)
	echo $((before + 16)) >/proc/sys/vm/nr_hugepages
	define "$guest" "$(disk $IMAGES/disk.img raw vda)" "<memoryBacking><hugepages/></memoryBacking>"
	run v start --paused "$guest"
	echo "$before" >/proc/sys/vm/nr_hugepages
	[ "$status" -eq 0 ]
	dir=/dev/hugepages/libvirt/qemu/$(v domid "$guest")-${guest:0:20}
	[ -d "$dir" ]
	# not compared by agree: without SELinux hugetlbfs has no attribute that could hold a label
	run --separate-stderr vd selinux check "$guest" --json
	same "$(json '.files[] | select(.target == "hugepages") | [.role, .status, .path] | join(" ")')" "memory unsupported $dir"
	has "$(json '.files[] | select(.target == "hugepages") | .expected')" system_u:object_r:svirt_image_t:s0:c
}

@test "svirt: firmware code is left alone, its variables are an image" {
	truncate -s 64K $IMAGES/code.fd
	truncate -s 64K $IMAGES/vars.fd
	define "${P}efi" "$(disk $IMAGES/disk.img raw vda)"
	v dumpxml --inactive "${P}efi" >$BATS_TEST_TMPDIR/efi.xml
	sed -i "s|</os>|&<features><acpi/></features>|; s|<os>|<os><loader readonly='yes' type='pflash'>$IMAGES/code.fd</loader><nvram>$IMAGES/vars.fd</nvram>|" $BATS_TEST_TMPDIR/efi.xml
	v define $BATS_TEST_TMPDIR/efi.xml
	v start --paused "${P}efi"
	agree "${P}efi"
	same "$(label $IMAGES/code.fd)" ""
	has "$(label $IMAGES/vars.fd)" svirt_image_t:s0:c
}

@test "svirt: a transient disk -> overlay and base as the driver labels them, while it runs and at the next start" {
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 1M
	define "${P}passing" "$(disk $IMAGES/base.qcow2 qcow2 vda '<transient/>')"
	v start --paused "${P}passing"
	agree "${P}passing"
	has "$(label "$IMAGES/base.qcow2.TRANSIENT-${P}passing")" svirt_image_t:s0:c
}

@test "svirt: block copy -> its target has the guest's label while it goes on" {
	define "${P}copy" "$(disk $IMAGES/disk.img raw vda)"
	v start --paused "${P}copy"
	v blockcopy "${P}copy" vda $IMAGES/copy.img --transient-job
	agree "${P}copy"
	has "$(label $IMAGES/copy.img)" svirt_image_t:s0:c
	v blockjob "${P}copy" vda --abort
}

@test "svirt: active commit -> what it writes to has the guest's label" {
	qemu-img create -q -f qcow2 $IMAGES/base.qcow2 1M
	qemu-img create -q -f qcow2 -F qcow2 -b $IMAGES/base.qcow2 $IMAGES/top.qcow2
	define "${P}commit" "$(disk $IMAGES/top.qcow2 qcow2 vda)"
	v start --paused "${P}commit"
	v blockcommit "${P}commit" vda --active
	agree "${P}commit"
	v blockjob "${P}commit" vda --pivot
	run --separate-stderr vd selinux check "${P}commit" --json
	same "$(json '.files[0] | "\(.path) \(.expected)"')" "$IMAGES/base.qcow2 $(label $IMAGES/base.qcow2)"
}

@test "svirt: a chardev's own seclabel, and none -> as the driver labels them" {
	: >$IMAGES/own.log
	: >$IMAGES/not.log
	define "${P}chars" "<serial type='file'><source path='$IMAGES/own.log'>
		<seclabel model='selinux' relabel='yes'><label>system_u:object_r:own_t:s0</label></seclabel></source></serial>
		<serial type='file'><source path='$IMAGES/not.log'><seclabel model='selinux' relabel='no'/></source></serial>"
	v start --paused "${P}chars"
	agree "${P}chars"
	same "$(label $IMAGES/own.log)" system_u:object_r:own_t:s0
}

@test "selinux check: an image replaced under the running guest -> replaced; a snapshot's new top -> not" {
	qemu-img create -q -f qcow2 $IMAGES/top.qcow2 1M
	define "${P}swap" "$(disk $IMAGES/top.qcow2 qcow2 vda)"
	v start --paused "${P}swap"
	v snapshot-create-as "${P}swap" --no-metadata --disk-only --diskspec vda,file=$IMAGES/snap.qcow2
	run --separate-stderr vd selinux check "${P}swap" --json
	same "$(verdict $IMAGES/snap.qcow2) $(verdict $IMAGES/top.qcow2)" "unknown no-evidence unknown no-evidence"
	cp --preserve=all $IMAGES/snap.qcow2 $IMAGES/new && mv $IMAGES/new $IMAGES/snap.qcow2
	run -1 --separate-stderr vd selinux check "${P}swap" --json
	same "$(verdict $IMAGES/snap.qcow2) $(verdict $IMAGES/top.qcow2)" "wrong replaced unknown no-evidence"
	mv $IMAGES/top.qcow2 $IMAGES/top.qcow2.bak && cp $IMAGES/top.qcow2.bak $IMAGES/top.qcow2
	run -1 --separate-stderr vd selinux check "${P}swap" --json
	same "$(verdict $IMAGES/snap.qcow2) $(verdict $IMAGES/top.qcow2)" "wrong replaced wrong replaced"
	has "$(json '.files[1].reason')" "$IMAGES/top.qcow2.bak open as descriptor"
	rm $IMAGES/top.qcow2
	run -1 --separate-stderr vd selinux check "${P}swap" --json
	same "$(verdict $IMAGES/snap.qcow2) $(verdict $IMAGES/top.qcow2)" "wrong replaced missing missing"
}

@test "selinux check: libvirt refuses a file that it still counts as used -> foretold; the printed fix lets the guest start" {
	define "${P}left" "$(disk $IMAGES/disk.img raw vda)"
	v start --paused "${P}left"
	local pid
	pid=$(pid "${P}left")
	# libvirt never learns that the guest is gone: its notes stay
	libvirtd_kill
	kill -KILL "$pid" && until_true 20 gone "$pid"
	rm -f /run/libvirt/qemu/"${P}left".*
	LD_PRELOAD=$BATS_FILE_TMPDIR/svirt-oracle.so libvirtd_start
	same "$(getfattr --only-values --absolute-names -n trusted.libvirt.security.ref_selinux $IMAGES/disk.img)" 1
	run -1 v start --paused "${P}left"
	has "$output" "which is already in use"
	# the driver was put on by the preload: virtdiag, which sees no SELinux here, is told of one by a root of its own
	mkdir -p $BATS_TEST_TMPDIR/root/{sys/fs/selinux,proc,etc/libvirt}
	for d in run var; do mkdir -p "$BATS_TEST_TMPDIR/root/$d/libvirt"; done
	cp -r /etc/libvirt/qemu $BATS_TEST_TMPDIR/root/etc/libvirt/
	mkdir -p $BATS_TEST_TMPDIR/root$IMAGES
	cp --preserve=all $IMAGES/disk.img $BATS_TEST_TMPDIR/root$IMAGES/
	printf 1 >$BATS_TEST_TMPDIR/root/sys/fs/selinux/enforce
	cat /proc/stat >$BATS_TEST_TMPDIR/root/proc/stat
	cp /run/utmp $BATS_TEST_TMPDIR/root/run/utmp
	run -1 --separate-stderr vd --root $BATS_TEST_TMPDIR/root selinux check "${P}left" --json
	same "$(verdict $IMAGES/disk.img)" "wrong stale-xattr"
	local command
	while read -r command; do
		mapfile -t command < <(jq -r '.[]' <<<"$command")
		"${command[@]}"
	done < <(jq -c --arg path $IMAGES/disk.img '.files[] | select(.path == $path) | .fix[].command' <<<"$output")
	run -0 v start --paused "${P}left"
}
