# virtdiag. One non-recursive makefile; everything it makes goes to build/.
#
# Targets
#   all              the program, libvlog and completions (default)
#   deps             install what building and testing needs, with apt or dnf
#   deps-live deps-vm   what check-live, check-vm need beyond that
#   demo             build, then run the main job on the captured host that comes with the sources, then on this machine
#   check            all tests: lint, unit, command line; plain and with address, undefined and thread sanitizers
#   check-unit check-bats check-san check-tsan lint   parts of it
#   fuzz             run every fuzz target TIME seconds (60), JOBS at once; needs clang; FUZZ="domain conf" picks some
#   bench            named benchmarks, each beside its peer; a table and build/bench.json. bench-deps installs the peers
#   check-live       root: tests against a libvirt of their own, away from an installed one
#   check-vm         root: tests in a virtual machine where SELinux enforces; the image is made once and cached
#   install uninstall   honour DESTDIR and prefix
#   dist deb         an archive of the sources; Debian packages in build/deb (needs debhelper)
#   format analyze coverage clean help
#
# Knobs: V=1 (show commands)  SANITIZE=address,undefined|thread  DEV=1 (warnings are errors)  CC CFLAGS CPPFLAGS LDFLAGS
#        WITH_AUDIT=no (without libauparse)  WITH_SYSTEMD=no (without libsystemd)
#        prefix bindir libdir includedir mandir bashcompdir zshcompdir fishcompdir DESTDIR PKG_CONFIG

VERSION := 0.1.0

prefix      ?= /usr/local
bindir      ?= $(prefix)/bin
libdir      ?= $(prefix)/lib
includedir  ?= $(prefix)/include
datadir     ?= $(prefix)/share
mandir      ?= $(datadir)/man
bashcompdir ?= $(datadir)/bash-completion/completions
zshcompdir  ?= $(datadir)/zsh/site-functions
fishcompdir ?= $(datadir)/fish/vendor_completions.d

PKG_CONFIG ?= pkg-config
INSTALL    ?= install
AR         ?= ar
CFLAGS     ?= -O2 -g

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

ifeq ($(V),1)
Q :=
else
Q := @
MAKEFLAGS += --no-print-directory
endif
say = @printf '  %-7s %s\n' $(1) $(2)

ifneq ($(SANITIZE),)
comma := ,
BUILD := build/$(subst $(comma),-,$(SANITIZE))
SAN_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
BUILD := build
endif

# What is asked of pkg-config, with the oldest version that we know to work.
LIBS := libxml-2.0:2.9.10 libselinux:3.1 mount:2.36 smartcols:2.36 json-c:0.15 readline:8.0
LIBS += libpcre2-8:10.34 zlib:1.2.11 liblzma:5.2.4 libzstd:1.4.4
# Libraries that can be left out: the commands that need one then say so. WITH_AUDIT=no: libauparse.
WITH_AUDIT ?= yes
ifneq ($(WITH_AUDIT),no)
LIBS += auparse:2.8
OPT_CPPFLAGS += -DVD_WITH_AUDIT
endif
# WITH_SYSTEMD=no: libsystemd, of which only the headers are used here: it is loaded when a journal is read.
WITH_SYSTEMD ?= yes
ifneq ($(WITH_SYSTEMD),no)
LIBS += libsystemd:247
OPT_CPPFLAGS += -DVD_WITH_SYSTEMD
endif
LIB_NAMES := $(foreach l,$(LIBS),$(firstword $(subst :, ,$(l))))

# Goals that need no library.
NO_LIBS_GOALS := deps deps-live deps-vm bench-deps help clean format dist deb uninstall
ifneq ($(filter-out $(NO_LIBS_GOALS),$(or $(MAKECMDGOALS),all)),)
MISSING := $(strip $(foreach l,$(LIBS),$(shell $(PKG_CONFIG) --exists \
	'$(firstword $(subst :, ,$(l))) >= $(lastword $(subst :, ,$(l)))' 2>/dev/null || echo $(l))))
ifneq ($(MISSING),)
$(error missing libraries (name:oldest version): $(MISSING). Run `make deps` to install them)
endif
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIB_NAMES))
# The dynamic loader looks for each symbol in the libraries in this order, so those where most are found come first: it
# is more than half of what the program does until main(). libc is where nearly all are; readline looks for its own.
LIB_LDLIBS := -lc $(shell $(PKG_CONFIG) --libs readline && $(PKG_CONFIG) --libs \
	$(filter-out libsystemd readline,$(LIB_NAMES))) -ldl
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla \
	-Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough
VD_CFLAGS := -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(if $(DEV),-Werror) $(SAN_FLAGS)
VD_CPPFLAGS := -D_GNU_SOURCE -DVD_VERSION_STRING='"$(VERSION)"' -Ilib -Icmd $(OPT_CPPFLAGS)
VD_LDFLAGS := $(SAN_FLAGS)

# --- sources -----------------------------------------------------------------------------------------------------

# libvlog: libc only.
VLOG_SRCS := \
	lib/log-format.c \
	lib/log-grammar.c \
	lib/log-output.c \
	lib/log-plain.c \
	lib/log-socket.c \
	lib/log.c

LIB_SRCS := \
	lib/account.c \
	lib/acl.c \
	lib/apparmor.c \
	lib/attr-backup.c \
	lib/audit-host.c \
	lib/audit-line.c \
	lib/audit.c \
	lib/bpf-run.c \
	lib/bpf.c \
	lib/buf.c \
	lib/catalogue.c \
	lib/cgroup-conf.c \
	lib/cgroup-devices.c \
	lib/cgroup-devwants.c \
	lib/cgroup-match.c \
	lib/cgroup-name.c \
	lib/cgroup-node.c \
	lib/cgroup-parse.c \
	lib/cgroup-place.c \
	lib/cgroup-strays.c \
	lib/cgroup-tree.c \
	lib/cgroup-tune-io.c \
	lib/cgroup-tune-read.c \
	lib/cgroup-tune.c \
	lib/cgroup-walk.c \
	lib/cgroup.c \
	lib/conf-edit.c \
	lib/conf-write.c \
	lib/conf.c \
	lib/cpuset.c \
	lib/daemon-find.c \
	lib/daemon-label.c \
	lib/daemon-log.c \
	lib/daemon-process.c \
	lib/daemon-serving.c \
	lib/daemon-unit.c \
	lib/daemon.c \
	lib/data.c \
	lib/denial-cause.c \
	lib/denial-tie.c \
	lib/denials.c \
	lib/devrule.c \
	lib/domain-chardev.c \
	lib/domain-device.c \
	lib/domain-hostdev.c \
	lib/domain-source.c \
	lib/domain-status.c \
	lib/domain-tuning.c \
	lib/domain.c \
	lib/emulator-edit.c \
	lib/err.c \
	lib/file-check.c \
	lib/file-verdict.c \
	lib/filter-check.c \
	lib/filter-era.c \
	lib/filter-outputs.c \
	lib/filter.c \
	lib/functions.c \
	lib/guest-check.c \
	lib/follow-file.c \
	lib/follow.c \
	lib/guestboot.c \
	lib/guestcmd.c \
	lib/guestline.c \
	lib/guestlog-failure.c \
	lib/guestlog-find.c \
	lib/guestlog-read.c \
	lib/guests-find.c \
	lib/guests-places.c \
	lib/guests-process.c \
	lib/guests.c \
	lib/host-version.c \
	lib/host.c \
	lib/image-backing.c \
	lib/image-chain.c \
	lib/image.c \
	lib/journal.c \
	lib/json.c \
	lib/label-fix.c \
	lib/label.c \
	lib/lines.c \
	lib/macros.c \
	lib/manifest.c \
	lib/match.c \
	lib/mount-unit.c \
	lib/mounts.c \
	lib/near.c \
	lib/policy.c \
	lib/program.c \
	lib/qmp.c \
	lib/reach-emulator.c \
	lib/reach-fix.c \
	lib/reach-mount.c \
	lib/reach-policy.c \
	lib/reach-tpm.c \
	lib/reach.c \
	lib/record-time.c \
	lib/record.c \
	lib/records.c \
	lib/relabel.c \
	lib/root-attr.c \
	lib/root-open.c \
	lib/root.c \
	lib/selinux-domain.c \
	lib/selinux-host.c \
	lib/selinux-mode.c \
	lib/source-tree.c \
	lib/svirt-block.c \
	lib/svirt-conf.c \
	lib/svirt-context.c \
	lib/svirt-device.c \
	lib/svirt-disk.c \
	lib/svirt-host.c \
	lib/svirt-label.c \
	lib/svirt-open.c \
	lib/svirt-rules.c \
	lib/svirt-settings.c \
	lib/svirt-share.c \
	lib/svirt-xattr.c \
	lib/svirt.c \
	lib/topics.c \
	lib/unmounted.c \
	lib/unpack.c \
	lib/value.c \
	lib/ways.c \
	lib/when.c \
	lib/whose.c \
	lib/words.c \
	lib/xml-tree.c \
	lib/xml.c

CMD_SRCS := \
	cmd/admin.c \
	cmd/cgroup-check.c \
	cmd/cgroup-controllers.c \
	cmd/cgroup-devices.c \
	cmd/cgroup-finding.c \
	cmd/cgroup-show.c \
	cmd/cgroup-tree.c \
	cmd/cgroup-view.c \
	cmd/cmd-cgroup.c \
	cmd/cmd-daemons.c \
	cmd/cmd-filters-suggest.c \
	cmd/cmd-filters.c \
	cmd/cmd-guests.c \
	cmd/cmd-logs.c \
	cmd/cmd-outputs.c \
	cmd/cmd-selinux.c \
	cmd/cmd-shell.c \
	cmd/cmd-source.c \
	cmd/cmd-svirt.c \
	cmd/command-complete.c \
	cmd/command-dump.c \
	cmd/command-help.c \
	cmd/command-lookup.c \
	cmd/command-parse.c \
	cmd/command-sample.c \
	cmd/command-selftest.c \
	cmd/command.c \
	cmd/commands.c \
	cmd/conf-change.c \
	cmd/filters-apply.c \
	cmd/filters-persist.c \
	cmd/filters-reset.c \
	cmd/filters-show.c \
	cmd/filters-state.c \
	cmd/filters-target.c \
	cmd/log-strings.c \
	cmd/logs-boots.c \
	cmd/logs-cmdline.c \
	cmd/logs-common.c \
	cmd/logs-daemon.c \
	cmd/logs-follow.c \
	cmd/logs-list.c \
	cmd/logs-print.c \
	cmd/logs-qmp.c \
	cmd/logs-select.c \
	cmd/logs-show.c \
	cmd/logs-source.c \
	cmd/logs-stats.c \
	cmd/logs-tail.c \
	cmd/main.c \
	cmd/out.c \
	cmd/pager.c \
	cmd/paint-scan.c \
	cmd/paint.c \
	cmd/progress.c \
	cmd/report-format.c \
	cmd/report-json.c \
	cmd/report-text.c \
	cmd/report.c \
	cmd/selinux-check.c \
	cmd/selinux-denials.c \
	cmd/selinux-fix.c \
	cmd/selinux-guard.c \
	cmd/selinux-permissive.c \
	cmd/selinux-status.c \
	cmd/selinux-trace.c \
	cmd/selinux-unit.c \
	cmd/selinux-words.c \
	cmd/selinux-page.c \
	cmd/shell-run.c \
	cmd/source-check.c \
	cmd/source-emulator.c \
	cmd/source-run.c \
	cmd/spool.c \
	cmd/suggest-ways.c \
	cmd/svirt-restart.c \
	cmd/svirt-status.c \
	cmd/svirt-switch.c \
	cmd/svirt-view.c \
	cmd/until.c

DATA := $(wildcard lib/data/*.tsv)

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test-*.c))

# --- objects -----------------------------------------------------------------------------------------------------

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
VLOG_OBJS := $(call obj,$(VLOG_SRCS))
LIB_OBJS := $(call obj,$(LIB_SRCS)) $(patsubst lib/data/%.tsv,$(BUILD)/data/%.o,$(DATA))
CMD_OBJS := $(call obj,$(CMD_SRCS))
PROGRAM := $(BUILD)/virtdiag
UNIT_BINS := $(addprefix $(BUILD)/tests/,$(UNIT_TESTS))

all: $(PROGRAM)

$(BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VD_CPPFLAGS) $(LIB_CFLAGS) $(CPPFLAGS) $(VD_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A data file becomes one byte string with its length: no pointers, so no relocations at start-up.
$(BUILD)/data/%.c: lib/data/%.tsv lib/data/embed.awk Makefile
	@mkdir -p $(@D)
	$(Q)LC_ALL=C awk -v name=$* -f lib/data/embed.awk $< > $@

$(BUILD)/data/%.o: $(BUILD)/data/%.c
	$(call say,DATA,$<)
	$(Q)$(CC) $(VD_CPPFLAGS) $(CPPFLAGS) $(VD_CFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/libvlog.a: $(VLOG_OBJS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libvirtdiag.a: $(LIB_OBJS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(PROGRAM): $(CMD_OBJS) $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) $(LDLIBS) -pthread

# The unit tests of vlog link libvlog alone, which proves that it needs libc only.
$(BUILD)/tests/test-log%: $(BUILD)/tests/unit/test-log%.o $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lpthread

-include $(VLOG_OBJS:.o=.d) $(LIB_OBJS:.o=.d) $(CMD_OBJS:.o=.d) $(UNIT_BINS:$(BUILD)/tests/%=$(BUILD)/tests/unit/%.d)

# --- tests -------------------------------------------------------------------------------------------------------

check-unit: $(UNIT_BINS) $(BUILD)/tests/test-fuzz
	@tests/run unit $(BUILD)

check-bats: $(PROGRAM) $(BUILD)/libvlog.a
	@tests/run bats $(BUILD)

# The same tests with sanitizers; vlog alone with the thread sanitizer.
check-san:
	@$(MAKE) SANITIZE=address,undefined check-unit check-bats

check-tsan:
	@$(MAKE) SANITIZE=thread check-log

check-log: $(filter $(BUILD)/tests/test-log%,$(UNIT_BINS))
	@tests/run unit $(BUILD) $(notdir $^)

lint:
	@tests/run lint

# TESTS='NAME...' picks test files.
check-live: $(PROGRAM)
	@tests/run live $(BUILD) $(TESTS)

check-vm: $(PROGRAM)
	@tests/run vm $(BUILD) $(TESTS)

# Everything, to the end also when a part fails; the last line counts.
check:
	@tests/check

deps:
	@tests/deps

deps-live deps-vm:
	@tests/deps $(@:deps-%=%)

demo: $(PROGRAM)
	@tests/demo $(PROGRAM)

# --- fuzzing -----------------------------------------------------------------------------------------------------

FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
REPLAY_OBJS := $(FUZZ_TARGETS:%=$(BUILD)/tests/replay/%.o) $(BUILD)/tests/fuzz/replay.o
TIME ?= 60

# The seeds of all targets as one unit test.
$(BUILD)/tests/test-fuzz: $(REPLAY_OBJS) $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lpthread

$(BUILD)/tests/replay/%.o: tests/fuzz/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VD_CPPFLAGS) -DFUZZ_REPLAY $(LIB_CFLAGS) $(CPPFLAGS) $(VD_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/fuzz-%.o $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SAN_FLAGS),fuzzer $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lpthread

fuzz-build: $(FUZZ_TARGETS:%=$(BUILD)/%)

fuzz:
	@$(MAKE) BUILD=build/fuzz CC=clang CFLAGS='-O1 -g' fuzz-build \
		SAN_FLAGS='-fno-sanitize-recover=all -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined'
	@tests/fuzz/run build/fuzz '$(TIME)' $(FUZZ)

-include $(REPLAY_OBJS:.o=.d) $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%.d)

# --- benchmarks --------------------------------------------------------------------------------------------------

BENCH_BINS := $(patsubst %,$(BUILD)/bench/%,pair follow guests statements loop)

$(BUILD)/bench/pair: $(BUILD)/tests/bench/pair.o
$(BUILD)/bench/follow: $(BUILD)/tests/bench/follow.o
$(BUILD)/bench/guests: $(BUILD)/tests/bench/guests.o $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
$(BUILD)/bench/statements: $(BUILD)/tests/bench/statements.o $(BUILD)/tests/bench/libvirt-log.o $(BUILD)/libvlog.a
$(BUILD)/bench/loop: $(BUILD)/tests/bench/loop.o $(BUILD)/tests/bench/libvirt-log.o $(BUILD)/libvlog.a
$(BENCH_BINS):
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(if $(filter %/guests,$@),$(LIB_LDLIBS)) -lpthread -ldl

# Other logging libraries, those that are here; `make bench-deps` installs them.
BENCH_PEERS := $(foreach p,spdlog:spdlog glog:libglog lttng:lttng-ust,$(if $(filter bench,$(MAKECMDGOALS)),$(shell \
	$(PKG_CONFIG) --exists $(lastword $(subst :, ,$(p))) && echo $(BUILD)/bench/peer-$(firstword $(subst :, ,$(p))).so)))

$(BUILD)/bench/peer-%.so: tests/bench/peer-%.cc tests/bench/peer.h Makefile
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CFLAGS) -fPIC -shared -o $@ $< $(shell $(PKG_CONFIG) --cflags --libs $(if $(filter glog,$*),lib)$*)

$(BUILD)/bench/peer-lttng.so: tests/bench/peer-lttng.c tests/bench/peer-lttng.h tests/bench/peer.h Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fPIC -shared -Itests/bench -o $@ $< $(shell $(PKG_CONFIG) --cflags --libs lttng-ust)

bench: $(PROGRAM) $(BENCH_BINS) $(BENCH_PEERS)
	@tests/bench/run '$(BUILD)'

bench-deps:
	@tests/deps bench

-include $(wildcard $(BUILD)/tests/bench/*.d)

# --- installation ------------------------------------------------------------------------------------------------

VLOG_SO := libvlog.so.0
MAN_PAGES := $(wildcard man/*.1 man/*.3 man/*.5)
LNAV_FILES := $(wildcard contrib/lnav/*)
lnavdir = $(datadir)/virtdiag/lnav

$(BUILD)/$(VLOG_SO): $(VLOG_OBJS) lib/vlog.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(VLOG_SO) $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,--version-script=lib/vlog.map -o $@ $(VLOG_OBJS) -pthread

# Made anew each time: the prefix may differ between `make` and `make install`.
$(BUILD)/vlog.pc: lib/vlog.pc.in FORCE
	$(Q)sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|; s|@includedir@|$(includedir)|; s|@VERSION@|$(VERSION)|' $< > $@

all: $(BUILD)/libvlog.a $(BUILD)/$(VLOG_SO) $(BUILD)/vlog.pc

install: all
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libdir)/pkgconfig' '$(DESTDIR)$(includedir)' \
		'$(DESTDIR)$(bashcompdir)' '$(DESTDIR)$(zshcompdir)' '$(DESTDIR)$(fishcompdir)' '$(DESTDIR)$(lnavdir)' \
		$(foreach n,1 3 5,'$(DESTDIR)$(mandir)/man$(n)')
	$(INSTALL) -m 755 $(PROGRAM) '$(DESTDIR)$(bindir)/virtdiag'
	$(INSTALL) -m 644 $(BUILD)/libvlog.a '$(DESTDIR)$(libdir)/libvlog.a'
	$(INSTALL) -m 755 $(BUILD)/$(VLOG_SO) '$(DESTDIR)$(libdir)/$(VLOG_SO)'
	ln -sf $(VLOG_SO) '$(DESTDIR)$(libdir)/libvlog.so'
	$(INSTALL) -m 644 $(BUILD)/vlog.pc '$(DESTDIR)$(libdir)/pkgconfig/vlog.pc'
	$(INSTALL) -m 644 lib/vlog.h '$(DESTDIR)$(includedir)/vlog.h'
	$(INSTALL) -m 644 completions/virtdiag.bash '$(DESTDIR)$(bashcompdir)/virtdiag'
	$(INSTALL) -m 644 completions/_virtdiag '$(DESTDIR)$(zshcompdir)/_virtdiag'
	$(INSTALL) -m 644 completions/virtdiag.fish '$(DESTDIR)$(fishcompdir)/virtdiag.fish'
	$(INSTALL) -m 644 $(LNAV_FILES) '$(DESTDIR)$(lnavdir)'
	for page in $(MAN_PAGES); do \
		$(INSTALL) -m 644 $$page '$(DESTDIR)$(mandir)'/man$${page##*.}/$${page##*/} || exit 1; done

uninstall:
	rm -f '$(DESTDIR)$(bindir)/virtdiag' '$(DESTDIR)$(libdir)/libvlog.a' '$(DESTDIR)$(libdir)/$(VLOG_SO)' \
		'$(DESTDIR)$(libdir)/libvlog.so' '$(DESTDIR)$(libdir)/pkgconfig/vlog.pc' '$(DESTDIR)$(includedir)/vlog.h' \
		'$(DESTDIR)$(bashcompdir)/virtdiag' '$(DESTDIR)$(zshcompdir)/_virtdiag' \
		'$(DESTDIR)$(fishcompdir)/virtdiag.fish' $(LNAV_FILES:contrib/lnav/%='$(DESTDIR)$(lnavdir)'/%)
	for page in $(MAN_PAGES); do rm -f '$(DESTDIR)$(mandir)'/man$${page##*.}/$${page##*/}; done

# --- care --------------------------------------------------------------------------------------------------------

FORMAT_FILES := $(wildcard lib/*.[ch] cmd/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch])

format:
	clang-format -i $(FORMAT_FILES)

analyze:
	$(MAKE) BUILD=build/analyze CFLAGS='-O1 -fanalyzer' build/analyze/virtdiag

coverage:
	$(MAKE) BUILD=build/coverage CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage BUILD=build/coverage check-unit check-bats
	gcovr --root . --filter 'lib/' --filter 'cmd/' build/coverage

dist:
	git archive --prefix=virtdiag-$(VERSION)/ -o virtdiag-$(VERSION).tar.gz HEAD

deb:
	rm -rf build/deb
	mkdir -p build/deb
	git archive --prefix=virtdiag-$(VERSION)/ HEAD | tar x -C build/deb
	cp -r contrib/debian build/deb/virtdiag-$(VERSION)/debian
	cd build/deb/virtdiag-$(VERSION) && dpkg-buildpackage -b -us -uc

clean:
	rm -rf build

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

.PHONY: FORCE all deps deps-live deps-vm demo check check-unit check-bats check-san check-tsan check-log check-live \
	check-vm lint fuzz fuzz-build bench bench-deps format analyze coverage dist deb clean help \
	install uninstall
