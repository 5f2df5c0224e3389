# virtdiag. One non-recursive makefile; everything it makes goes to build/.
#
# Targets
#   all              the program, libvlog and completions (default)
#   deps             install what building and testing needs, with apt or dnf
#   demo             build, then run the main job on the captured host that comes with the sources, then on this machine
#   check            all tests: lint, unit, command line; plain and with address, undefined and thread sanitizers
#   check-unit check-bats check-san check-tsan lint   parts of it
#   install uninstall   honour DESTDIR and prefix
#   format analyze coverage dist clean help
#
# Knobs: V=1 (show commands)  SANITIZE=address,undefined|thread  DEV=1 (warnings are errors)  CC CFLAGS CPPFLAGS LDFLAGS
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
LIBS := libxml-2.0:2.9.10 libselinux:3.1 mount:2.36 smartcols:2.36 json-c:0.15
LIB_NAMES := $(foreach l,$(LIBS),$(firstword $(subst :, ,$(l))))

NO_LIBS_GOALS := deps help clean format dist uninstall
ifneq ($(filter-out $(NO_LIBS_GOALS),$(or $(MAKECMDGOALS),all)),)
MISSING := $(strip $(foreach l,$(LIBS),$(shell $(PKG_CONFIG) --exists '$(firstword $(subst :, ,$(l))) >= $(lastword $(subst :, ,$(l)))' 2>/dev/null || echo $(l))))
ifneq ($(MISSING),)
ifneq ($(filter-out check demo,$(or $(MAKECMDGOALS),all)),)
$(error missing libraries (name:version): $(MISSING). `make deps` installs them)
endif
endif
LIB_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIB_NAMES) 2>/dev/null)
LIB_LDLIBS := $(shell $(PKG_CONFIG) --libs $(LIB_NAMES) 2>/dev/null)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla \
	-Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough
VD_CFLAGS := -std=gnu11 -fPIC -fvisibility=hidden $(WARNINGS) $(if $(DEV),-Werror) $(SAN_FLAGS)
VD_CPPFLAGS := -D_GNU_SOURCE -DVD_VERSION_STRING='"$(VERSION)"' -Ilib -Icmd
VD_LDFLAGS := $(SAN_FLAGS)

# --- sources -----------------------------------------------------------------------------------------------------

# libvlog: libc only.
VLOG_SRCS := \
	lib/log.c \
	lib/log-grammar.c \
	lib/log-output.c

LIB_SRCS := \
	lib/acl.c \
	lib/buf.c \
	lib/catalogue.c \
	lib/cgroup.c \
	lib/cgroup-name.c \
	lib/cgroup-parse.c \
	lib/cgroup-tree.c \
	lib/conf.c \
	lib/data.c \
	lib/domain.c \
	lib/domain-device.c \
	lib/domain-status.c \
	lib/err.c \
	lib/filter.c \
	lib/filter-check.c \
	lib/guests.c \
	lib/host.c \
	lib/host-version.c \
	lib/image.c \
	lib/image-backing.c \
	lib/image-chain.c \
	lib/json.c \
	lib/label.c \
	lib/macros.c \
	lib/manifest.c \
	lib/mounts.c \
	lib/root.c \
	lib/root-attr.c \
	lib/root-open.c \
	lib/svirt.c \
	lib/svirt-context.c \
	lib/svirt-rules.c \
	lib/svirt-settings.c \
	lib/topics.c \
	lib/value.c \
	lib/xml.c

CMD_SRCS := \
	cmd/cmd-cgroup.c \
	cmd/cmd-filters.c \
	cmd/cmd-guests.c \
	cmd/cmd-outputs.c \
	cmd/cmd-selinux.c \
	cmd/command.c \
	cmd/command-complete.c \
	cmd/command-dump.c \
	cmd/command-help.c \
	cmd/command-parse.c \
	cmd/commands.c \
	cmd/main.c \
	cmd/report.c \
	cmd/report-json.c \
	cmd/report-text.c

DATA := $(wildcard lib/data/*.tsv)

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test-*.c))

# TEMPORARY while the parts are being put together: take what exists.
VLOG_SRCS := $(wildcard $(VLOG_SRCS))
LIB_SRCS := $(wildcard $(LIB_SRCS))
CMD_SRCS := $(wildcard $(CMD_SRCS))

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
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) $(LDLIBS)

# The unit tests of vlog link libvlog alone, which proves that it needs libc only.
$(BUILD)/tests/test-log%: $(BUILD)/tests/unit/test-log%.o $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(BUILD)/libvirtdiag.a $(BUILD)/libvlog.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(VD_CFLAGS) $(CFLAGS) $(VD_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lpthread

-include $(VLOG_OBJS:.o=.d) $(LIB_OBJS:.o=.d) $(CMD_OBJS:.o=.d) $(UNIT_BINS:$(BUILD)/tests/%=$(BUILD)/tests/unit/%.d)

# --- tests -------------------------------------------------------------------------------------------------------

check-unit: $(UNIT_BINS)
	@tests/run unit $(BUILD)

check-bats: $(PROGRAM)
	@tests/run bats $(BUILD)

clean:
	rm -rf build

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

.PHONY: all deps demo check check-unit check-bats check-san check-tsan lint format analyze coverage dist clean help \
	install uninstall
