#!/usr/bin/env bats
# Protects `virtdiag source`: which tree it is, what stands in the way, the environment, what would be run, and that the
# emulator of a guest changes and nothing else. Trees are laid out here as autotools and meson leave them.

load helpers

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# program PATH...: a program that says what it got
program() {
	local path
	for path; do
		mkdir -p "${path%/*}"
		cp "$(type -P true)" "$path"
	done
}

# script PATH: libtool's wrapper
script() {
	mkdir -p "${1%/*}"
	printf '#!/bin/sh\nexit 0\n' >"$1"
	chmod +x "$1"
}

# meson_tree DIR [BUILD]: libvirt 9.0.0, configured in BUILD
meson_tree() {
	local build=$1/${2:-build}
	mkdir -p "$build/meson-info"
	printf "project(\n  'libvirt', 'c',\n  version: '9.0.0',\n)\n" >"$1/meson.build"
	jq -n --arg s "$(realpath "$1")" --arg b "$(realpath "$build")" '{directories: {source: $s, build: $b}}' \
		>"$build/meson-info/meson-info.json"
	printf '#define PREFIX "/usr"\n#define SYSCONFDIR "/etc"\n#define LOCALSTATEDIR "/var"\n' >"$build/configmake.h"
	printf '#define PACKAGE_VERSION "9.0.0"\n#define WITH_LXC 1\n#define WITH_QEMU 1\n#define WITH_SECDRIVER_SELINUX 1\n' \
		>"$build/meson-config.h"
	script "$build/run"
	program "$build/src/"{libvirtd,virtqemud,virtlogd,libvirt_lxc} "$build/tools/virsh" "$build/src/libvirt.so.0.9000.0"
	mkdir "$build/src/libvirt.so.0.9000.0.p"
	ln -s libvirt.so.0.9000.0 "$build/src/libvirt.so.0"
}

# old_tree DIR: libvirt 1.2.12 of autotools, built in place and run once
old_tree() {
	mkdir -p "$1/gnulib/lib" "$1/python/.libs"
	printf 'AC_INIT([libvirt], [1.2.12], [libvir-list@redhat.com], [], [http://libvirt.org])\n' >"$1/configure.ac"
	touch "$1/config.status"
	printf '#define PREFIX "/usr/local"\n#define SYSCONFDIR "/usr/local/etc"\n#define LOCALSTATEDIR "/usr/local/var"\n' \
		>"$1/gnulib/lib/configmake.h"
	printf '#define PACKAGE_VERSION "1.2.12"\n#define WITH_LXC 1\n/* #undef WITH_SECDRIVER_SELINUX */\n' >"$1/config.h"
	script "$1/daemon/libvirtd"
	script "$1/src/libvirt_lxc"
	script "$1/tools/virsh"
	program "$1/daemon/.libs/libvirtd" "$1/daemon/.libs/lt-libvirtd" "$1/src/.libs/libvirt_lxc" "$1/tools/.libs/virsh" \
		"$1/src/.libs/libvirt.so.0.1002.12"
}

# host DIR: a host with two containers and a guest of QEMU, none of them running
host() {
	mkdir -p "$1/etc/libvirt/lxc" "$1/etc/libvirt/qemu" "$1/usr/lib/x86_64-linux-gnu"
	cat >"$1/etc/libvirt/lxc/c1.xml" <<-'X'
		<!--
		WARNING: THIS IS AN AUTO-GENERATED FILE. <emulator>/not/this</emulator>
		-->

		<domain type='lxc'>
		  <name>c1</name>
		  <uuid>00000000-0000-4000-8000-000000000011</uuid>
		  <description><![CDATA[ <devices><emulator>/nor/this</emulator></devices> ]]></description>
		  <memory unit='KiB'>65536</memory>
		  <os><type>exe</type><init>/bin/sh</init></os>
		  <devices>
		    <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
		    <filesystem type='mount'>	<source dir='/'/><target dir='/'/></filesystem>
		    <console type='pty'/>
		  </devices>
		</domain>
	X
	sed "s/<name>c1/<name>plain/; s/0011</0012</; /^    <emulator>/d" "$1/etc/libvirt/lxc/c1.xml" >"$1/etc/libvirt/lxc/plain.xml"
}

@test "source check: trees of meson and autotools, top or build directory -> what they are" {
	meson_tree m
	old_tree old
	for dir in m m/build ./m/../m/build/ "$PWD/m"; do
		run -0 --separate-stderr vd source check "$dir"
		has "${lines[0]}" "$(realpath m)  libvirt 9.0.0, meson, built in $(realpath m)/build"
		same "${lines[1]}" "directories  prefix /usr, /etc, /var"
		same "${lines[2]}" "programs  libvirtd, virtqemud, virtlogd, libvirt_lxc, virsh"
	done
	run -0 --separate-stderr vd --json source check old
	same "$(json '[.build, .tree_version] | join(" ")')" "$PWD/old 1.2.12"
	same "$(json '.programs[] | "\(.name) \(.path) \(.executes) \(.type)"')" \
		"libvirtd $PWD/old/daemon/libvirtd $PWD/old/daemon/.libs/lt-libvirtd virtd_exec_t
libvirt_lxc $PWD/old/src/libvirt_lxc $PWD/old/src/.libs/libvirt_lxc virtd_lxc_exec_t
virsh $PWD/old/tools/virsh $PWD/old/tools/.libs/virsh null"
	same "$(json '.findings[] | select(.id == "prefix") | .severity, .fix[0].command[3]')" $'warn\n./autogen.sh'
}

@test "source check: not a tree, of something else, not configured, not built, two builds -> told, with what to run" {
	mkdir none other half
	run -3 --separate-stderr vd source check none
	has "$stderr" "none is no source tree of libvirt"
	run -3 --separate-stderr vd source check gone
	has "$stderr" "gone"
	echo "project('qemu', 'c', version: '8.0')" >other/meson.build
	run -3 --separate-stderr vd source check other
	printf "project('libvirt', 'c', version: '9.0.0')" >half/meson.build
	run -1 --separate-stderr vd source check half
	has "$output" "not-configured"
	has "$output" "fix  meson setup -Dsystem=true $PWD/half/build $PWD/half"
	run -3 --separate-stderr vd source env half
	has "$stderr" "is not built yet"
	meson_tree m
	rm m/build/src/{libvirtd,virtqemud,virtlogd}
	run -1 --separate-stderr vd source check m
	has "$output" "fix  ninja -C $PWD/m/build"
	meson_tree m asan
	run -2 --separate-stderr vd source check m
	has "$stderr" "name one of them: $PWD/m/asan, $PWD/m/build"
	run -0 --separate-stderr vd source check m/asan
}

@test "source check: a tree that must not be read -> cannot, with the file, exit 3; no verdict on it" {
	meson_tree m
	old_tree a
	local f
	for f in m m/meson.build m/build m/build/meson-info m/build/configmake.h m/build/meson-config.h m/build/src; do
		chmod 000 "$f"
		run -3 --separate-stderr as_nobody source check "$PWD/m"
		chmod 755 "$f"
		same "$output" ""
		has "$stderr" "$PWD/$f"
		has "$stderr" "Permission denied"
	done
	chmod 000 m/build/meson-info/meson-info.json
	run -3 --separate-stderr as_nobody source check "$PWD/m/build"
	has "$stderr" "meson-info.json': Permission denied"
	chmod 000 a/gnulib
	run -3 --separate-stderr as_nobody source check "$PWD/a"
	has "$stderr" "$PWD/a/gnulib/lib/configmake.h"
	rm m/meson.build
	mkfifo m/meson.build
	run -3 --separate-stderr timeout 60 "$VIRTDIAG" source check "$PWD/m"
	has "$stderr" "meson.build': it is a FIFO, not a regular file"
	hasnt "$stderr" "no source tree"
}

@test "source check: an empty TREE -> usage error, as an empty --root is" {
	run -2 --separate-stderr vd source check ''
	has "$stderr" "the TREE is empty"
	run -2 --separate-stderr vd source env ''
	same "$output" ""
}

@test "source check: versions, build options and containers of the host -> findings" {
	meson_tree m
	sed -i 's/9.0.0/9.1.0/' m/meson.build
	host h
	touch h/usr/lib/x86_64-linux-gnu/libvirt.so.0.10000.0
	mv m h/m
	# Captured: the tree is looked up below the root too.
	sed -i "s|$PWD/m|/m|g" h/m/build/meson-info/meson-info.json
	mkdir -p h/sys/fs/selinux
	echo -n 1 >h/sys/fs/selinux/enforce
	sed -i 's/#define WITH_SECDRIVER_SELINUX 1//' h/m/build/meson-config.h
	run -1 --separate-stderr vd --root h --json source check /m
	same "$(json '[.findings[] | "\(.id) \(.severity)"] | unique | .[]')" "label fail
library-label warn
lxc-emulator warn
mixed-version warn
no-selinux fail
stale-build warn"
	same "$(json '.findings[] | select(.id == "lxc-emulator") | .fix[0].command | join(" ")')" \
		"virtdiag source emulator lxc:c1 /m/build/src/libvirt_lxc
virtdiag source emulator lxc:plain /m/build/src/libvirt_lxc"
	has "$(json '.findings[] | select(.id == "mixed-version") | .message')" "the installed libvirt is 10.0.0, newer"
}

@test "source env: lines that a shell evaluates -> programs of the tree first" {
	meson_tree "a b"
	old_tree old
	run -0 --separate-stderr vd source env "a b"
	same "$(env -i PATH=/bin:/usr/bin sh -c 'eval "$1"; echo "$LD_LIBRARY_PATH|$PATH|$LIBVIRT_DIR_OVERRIDE"; command -v virsh' - "$output")" \
		"$PWD/a b/build/src|$PWD/a b/build/tools:$PWD/a b/build/src:/bin:/usr/bin|1
$PWD/a b/build/tools/virsh"
	run -0 --separate-stderr vd source env old
	same "$(env -i PATH=/bin:/usr/bin LD_LIBRARY_PATH=/x sh -c 'eval "$1"; echo "$LD_LIBRARY_PATH $LIBVIRT_DRIVER_DIR
$LIBVIRTD_PATH $PYTHONPATH"' - "$output")" "$PWD/old/src/.libs:/x $PWD/old/src/.libs
$PWD/old/daemon/libvirtd $PWD/old/python:$PWD/old/python/.libs"
	run -0 --separate-stderr vd --json source env old
	same "$(json '.variables[] | select(.name == "LIBVIRTD_PATH") | "\(.value) \(.list)"')" "$PWD/old/daemon/libvirtd false"
}

@test "source label: a host without SELinux -> cannot; a capture -> refused" {
	meson_tree m
	# The machine of the tests may have SELinux: then every file gets its type, which is what vm/source.bats tests.
	[ -e /sys/fs/selinux/enforce ] || {
		run -3 --separate-stderr vd source label --dry-run m
		has "$stderr" "SELinux is off on this host"
	}
	run -2 --separate-stderr vd --root / source label m
	has "$stderr" "--root is not possible"
}

@test "source run --dry-run: the tree's script or its variables, the daemon and its words as they are" {
	meson_tree m
	old_tree old
	run -0 --separate-stderr vd source run --dry-run --context none m virtlogd --verbose 'a b'
	same "${lines[-1]}" "$PWD/m/build/run $PWD/m/build/src/virtlogd --verbose 'a b'"
	run -0 --separate-stderr vd source run --dry-run --context none old
	has "$output" "export LIBVIRTD_PATH=$PWD/old/daemon/libvirtd"
	has "$output" "$PWD/old/daemon/libvirtd"
	run -3 --separate-stderr vd source run --dry-run m virtnetworkd
	has "$stderr" "virtnetworkd is no daemon that is built in"
	has "$stderr" "built are: libvirtd, virtqemud, virtlogd"
	run -3 --separate-stderr vd source run --dry-run m virsh
}

# session: a session of our own with the guest g1 of QEMU
session() {
	mkdir -p conf/libvirt/qemu
	sed "s/type='lxc'/type='qemu'/; s/<name>[a-z0-9]*/<name>g1/; s|<type>exe</type><init>/bin/sh</init>|<type>hvm</type>|; /filesystem/d" \
		h/etc/libvirt/lxc/"$1.xml" >conf/libvirt/qemu/g1.xml
}

# emulator STATUS ARGS...: on that session
emulator() {
	local status=$1
	shift
	run "-$status" --separate-stderr env XDG_CONFIG_HOME="$PWD/conf" XDG_RUNTIME_DIR="$PWD/run" XDG_CACHE_HOME="$PWD/cache" \
		LC_ALL=C.UTF-8 "$VIRTDIAG" --session source emulator "$@"
}

@test "source emulator: another path and back -> one element changes, every other byte stays" {
	host h
	session c1
	program "./my qemu & co"
	chmod 640 conf/libvirt/qemu/g1.xml
	cp conf/libvirt/qemu/g1.xml before
	emulator 0 --dry-run g1 "my qemu & co"
	has "$output" "would"
	cmp conf/libvirt/qemu/g1.xml before
	emulator 0 g1 "my qemu & co"
	has "$output" "undo  virtdiag source emulator --restore qemu:g1"
	same "$(diff before conf/libvirt/qemu/g1.xml)" "12c12
<     <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
---
>     <emulator>$PWD/my qemu &amp; co</emulator>"
	same "$(stat -c %a conf/libvirt/qemu/g1.xml)" 640
	emulator 0 g1 "my qemu & co"
	has "$output" "nothing to change"
	# What somebody else edits meanwhile stays.
	sed -i 's/65536/32768/' conf/libvirt/qemu/g1.xml
	sed -i 's/65536/32768/' before
	emulator 0 --restore g1
	cmp conf/libvirt/qemu/g1.xml before
	emulator 0 --json --restore g1
	same "$(json '.changes[] | "\(.old) \(.new) \(.done)"')" "/usr/lib/libvirt/libvirt_lxc $PWD/my qemu & co done"
}

@test "source emulator: a guest without the element -> it is added, and taken away again" {
	host h
	session plain
	program ./qemu
	cp conf/libvirt/qemu/g1.xml before
	emulator 0 g1 qemu
	same "$(diff before conf/libvirt/qemu/g1.xml)" "11a12
>     <emulator>$PWD/qemu</emulator>"
	emulator 0 --restore g1
	cmp conf/libvirt/qemu/g1.xml before
}

@test "source emulator: what cannot be -> refused, and the file stays" {
	host h
	session c1
	cp conf/libvirt/qemu/g1.xml before
	emulator 3 g1 nosuch
	has "$stderr" "nosuch"
	echo x >text
	emulator 3 g1 text
	has "$stderr" "is no program"
	emulator 3 nosuch /bin/sh
	emulator 2 g1
	emulator 2 --restore g1 /bin/sh
	emulator 3 --restore g1
	has "$stderr" "there is nothing to restore"
	meson_tree m
	emulator 3 g1 m
	has "$stderr" "is a source tree"
	cmp conf/libvirt/qemu/g1.xml before
	same "$(ls conf/libvirt/qemu)" g1.xml
}
