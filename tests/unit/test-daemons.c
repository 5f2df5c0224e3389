/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects: the environment that a unit gives to its service, options on a daemon's command line, variables of its
 * process, states of units, and which of several settings wins.
 */
#include "../../lib/daemons.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char dir[] = "/tmp/vd-daemons-XXXXXX";

/* Writes a file below the root, with its directories. */
static void put_bytes(const char *path, const char *data, size_t len)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", dir, path);
	for (char *p = full + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	if (f) {
		fwrite(data, 1, len, f);
		fclose(f);
	}
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", dir, path);
	if (symlink(target, full) < 0)
		printf("# no link %s\n", full);
}

static struct vd_root *open_root(void)
{
	struct vd_root *root = NULL;

	return vd_root_open(dir, 0, &root, NULL) == 0 ? root : NULL;
}

static void clear(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/*", dir);
	tap_int(system(command), 0, "cleared");
}

/* --- unit environments -------------------------------------------------------------------------------------------- */

static void test_unit_env(void)
{
	static const struct {
		const char *what, *unit, *dropin, *file, *value; /* of the variable V */
		unsigned line;
	} cases[] = {
		{ "plain", "[Service]\nEnvironment=V=1\n", NULL, NULL, "1", 2 },
		{ "several words", "[Service]\nEnvironment=A=1 \"V=a b\" C=2\n", NULL, NULL, "a b", 2 },
		{ "quoted value", "[Service]\nEnvironment=V='a b'c\n", NULL, NULL, "a bc", 2 },
		{ "escapes", "[Service]\nEnvironment=\"V=a\\\"b\\\\c%%d\"\n", NULL, NULL, "a\"b\\c%d", 2 },
		{ "continued", "[Service]\n#\nEnvironment=A=1 \\\n V=2\n", NULL, NULL, "2", 3 },
		{ "line behind a continued one", "[Service]\nEnvironment=A=1 \\\n B=2\nEnvironment=V=3\n", NULL, NULL,
		  "3", 4 },
		{ "comment", "[Service]\n;Environment=V=1\n", NULL, NULL, NULL, 0 },
		{ "another section", "[Unit]\nEnvironment=V=1\n", NULL, NULL, NULL, 0 },
		{ "the last one wins", "[Service]\nEnvironment=V=1\nEnvironment=V=2\n", NULL, NULL, "2", 3 },
		{ "an empty one forgets", "[Service]\nEnvironment=V=1\nEnvironment=\n", NULL, NULL, NULL, 0 },
		{ "drop-in", "[Service]\nEnvironment=V=1\n", "[Service]\nEnvironment=V=2\n", NULL, "2", 2 },
		{ "drop-in forgets", "[Service]\nEnvironment=V=1\n", "[Service]\nEnvironment=\n", NULL, NULL, 0 },
		{ "file beats unit", "[Service]\nEnvironmentFile=-/etc/default/d\nEnvironment=V=1\n", NULL, "V=2\n",
		  "2", 1 },
		{ "file taken away", "[Service]\nEnvironmentFile=/etc/default/d\n", "[Service]\nEnvironmentFile=\n",
		  "V=2\n", NULL, 0 },
		{ "file: quotes", "[Service]\nEnvironmentFile=/etc/default/d\n", NULL, "# c\n V = \"a b \"  \n", "a b ",
		  2 },
		{ "file: no quotes", "[Service]\nEnvironmentFile=/etc/default/d\n", NULL, "V=a b  \n", "a b", 1 },
		{ "file: escapes", "[Service]\nEnvironmentFile=/etc/default/d\n", NULL, "V=\"a\\\"b\\n\"\n", "a\"b\\n",
		  1 },
		{ "file: commented", "[Service]\nEnvironmentFile=/etc/default/d\n", NULL, "#V=1\n;V=2\n", NULL, 0 },
		{ "drop-in alone", NULL, "[Service]\nEnvironment=V=2", NULL, "2", 2 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ROOT struct vd_root *root = NULL;
		struct vd_unit_env env = { 0 };
		const struct vd_unit_var *var;

		if (cases[i].unit)
			put("/usr/lib/systemd/system/d.service", cases[i].unit);
		if (cases[i].dropin)
			put("/etc/systemd/system/d.service.d/x.conf", cases[i].dropin);
		if (cases[i].file)
			put("/etc/default/d", cases[i].file);
		root = open_root();
		tap_int(vd_unit_env_load(root, "d", &env), 0, "env: %s: loaded", cases[i].what);
		var = vd_unit_env_get(&env, "V");
		tap_str(var ? var->value : NULL, cases[i].value, "env: %s: value", cases[i].what);
		tap_int(var ? var->line : 0, cases[i].line, "env: %s: line", cases[i].what);
		vd_unit_env_release(&env);
		clear();
	}
}

static void test_unit_states(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_STRV enabled = VD_STRV_INIT;
	static const struct {
		const char *name, *state;
	} cases[] = {
		{ "on.socket", "enabled" },     { "off.service", "disabled" },  { "also.service", "indirect" },
		{ "static.service", "static" }, { "masked.service", "masked" }, { "none.service", NULL },
		{ "gone.service", "enabled" },
	};

	put("/etc/systemd/system/sockets.target.wants/on.socket", "");
	put("/etc/systemd/system/multi-user.target.requires/gone.service", "");
	put("/etc/systemd/system/not-a-want/none.service", "");
	put("/lib/systemd/system/on.socket", "[Install]\nWantedBy=sockets.target\n");
	put("/lib/systemd/system/off.service", "[Unit]\n\n[Install]\nWantedBy = multi-user.target\n");
	put("/lib/systemd/system/also.service", "[Install]\nAlso=on.socket\n");
	put("/lib/systemd/system/static.service", "[Unit]\nDescription=x\n");
	put("/lib/systemd/system/masked.service", "[Install]\nWantedBy=x\n");
	put_link("/etc/systemd/system/masked.service", "/dev/null");
	root = open_root();
	tap_int(vd_units_enabled(root, &enabled), 0, "units: listed");
	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		struct vd_unit unit = { 0 };

		tap_int(vd_unit_find(root, cases[i].name, &enabled, &unit), 0, "units: %s", cases[i].name);
		tap_str(vd_unit_state_name(unit.state), cases[i].state, "units: %s: state", cases[i].name);
		free(unit.path);
	}
	clear();
}

/* --- processes ---------------------------------------------------------------------------------------------------- */

static void put_process(const char *cmdline, size_t len, const char *environ_data, size_t environ_len)
{
	put("/proc/5/stat", "5 (libvirtd) S 1 5 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n");
	put_bytes("/proc/5/cmdline", cmdline, len);
	put_bytes("/proc/5/environ", environ_data, environ_len);
	put("/run/libvirtd.pid", "5\n");
}

static void test_cmdline(void)
{
	static const struct {
		const char *cmdline;
		size_t len;
		bool verbose, daemonised;
		long timeout;
		const char *config;
	} cases[] = {
#define ARGS(s) s, sizeof(s)
		{ ARGS("libvirtd"), false, false, 0, NULL },
		{ ARGS("libvirtd\0-v\0-d"), true, true, 0, NULL },
		{ ARGS("libvirtd\0-dv\0--timeout\0"
		       "120"),
		  true, true, 120, NULL },
		{ ARGS("libvirtd\0--timeout=30\0--config\0/x\0--verbose"), true, false, 30, "/x" },
		{ ARGS("libvirtd\0-t60\0-f\0/y"), false, false, 60, "/y" },
		{ ARGS("libvirtd\0-vf/z\0-p\0-d"), true, false, 0, "/z" },
		{ ARGS("libvirtd\0--pid-file\0-v"), false, false, 0, NULL },
		{ ARGS("libvirtd\0--\0-v"), false, false, 0, NULL },
		{ ARGS("libvirtd\0--timeout"), false, false, 0, NULL },
		{ ARGS("libvirtd\0-\0--"), false, false, 0, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ROOT struct vd_root *root = NULL;
		VD_AUTO_DAEMONS ds = { 0 };
		const struct vd_daemon *d;
		const struct vd_daemon_process *p;

		put_process(cases[i].cmdline, cases[i].len, "", 0);
		root = open_root();
		tap_int(vd_daemons_load(root, false, NULL, &ds, NULL), 0, "cmdline %zu: loaded", i);
		d = vd_daemons_get(&ds, "libvirtd");
		p = d ? vd_daemon_main(d) : NULL;
		if (!tap_ok(p != NULL, "cmdline %zu: found", i))
			continue;
		tap_ok(p->ticks == 777 && p->by_pid_file, "cmdline %zu: start, pid file", i);
		tap_ok(p->is_verbose == cases[i].verbose && p->is_daemonised == cases[i].daemonised,
		       "cmdline %zu: flags", i);
		tap_int(p->timeout, cases[i].timeout, "cmdline %zu: timeout", i);
		tap_str(p->config, cases[i].config, "cmdline %zu: config", i);
		clear();
	}
}

static const struct vd_log_value *value(const struct vd_log_values *values, enum vd_log_setting setting)
{
	static const struct vd_log_value none = { 0 };
	const struct vd_log_value *v = vd_log_values_get(values, setting, false);

	return v ? v : &none;
}

/* What is in force in the process, by the places that set it. */
static void test_precedence(void)
{
	static const struct {
		const char *what, *conf, *environ_data;
		size_t len;
		bool verbose;
		const char *level, *outputs;
	} cases[] = {
		{ "nothing", "", ARGS("A=1"), false, "3", "3:stderr" },
		{ "conf", "log_level = 1\nlog_outputs = '4:stderr'\n", ARGS("A=1"), false, "1", "4:stderr" },
		{ "level 0 is not set", "log_level = 0\n", ARGS("A=1"), false, "3", "3:stderr" },
		{ "environment beats conf", "log_level = 1\n", ARGS("LIBVIRT_DEBUG=error"), false, "4", "4:stderr" },
		{ "empty environment does not", "log_level = 1\n", ARGS("LIBVIRT_DEBUG="), false, "1", "1:stderr" },
		{ "-v lowers to info", "log_level = 4\n", ARGS("A=1"), true, "2", "2:stderr" },
		{ "-v never raises", "log_level = 1\n", ARGS("A=1"), true, "1", "1:stderr" },
		{ "-v lowers the built-in level", "", ARGS("A=1"), true, "2", "2:stderr" },
		{ "first duplicate", "log_level = 2\nlog_level = 4\n", ARGS("A=1"), false, "2", "2:stderr" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_ROOT struct vd_root *root = NULL;
		VD_AUTO_DAEMONS ds = { 0 };
		VD_AUTO_LOG_VALUES values = { 0 };

		put_process(cases[i].verbose ? "libvirtd\0-v" : "libvirtd", cases[i].verbose ? 12 : 9,
		            cases[i].environ_data, cases[i].len);
		put("/etc/libvirt/libvirtd.conf", cases[i].conf);
		root = open_root();
		if (vd_daemons_load(root, false, NULL, &ds, NULL) < 0 || ds.len != 1 ||
		    vd_daemon_log_load(root, &ds.scope, &ds.items[0], &values) < 0) {
			tap_ok(false, "precedence: %s", cases[i].what);
			continue;
		}
		tap_str(value(&values, VD_SETTING_LEVEL)->value, cases[i].level, "precedence: %s: level",
		        cases[i].what);
		tap_str(value(&values, VD_SETTING_OUTPUTS)->value, cases[i].outputs, "precedence: %s: outputs",
		        cases[i].what);
		clear();
	}
}

static void test_environ(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_FREE char *found = NULL, *longer = NULL;

	put_process(ARGS("libvirtd"), ARGS("XV=1\0V=two\0V=three\0W"));
	root = open_root();
	tap_int(vd_process_env(root, 5, "V", &found, NULL), 0, "environ: read");
	tap_str(found, "two", "environ: the first one, of that very name");
	tap_int(vd_process_env(root, 5, "W", &longer, NULL), 0, "environ: a word without a value");
	tap_str(longer, NULL, "environ: is no variable");
	tap_int(vd_process_env(root, 6, "V", &longer, NULL), -ENOENT, "environ: no process");
	tap_ok(vd_process_is_same(root, 5, 777) && !vd_process_is_same(root, 5, 778) &&
	               !vd_process_is_same(root, 6, 777),
	       "a process is known by its start");
	clear();
}

/* A capture may tell that a daemon starts at the end of time; and a level that is none says nothing of the outputs. */
static void test_late_start(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_LOG_VALUES values = { 0 };
	const struct vd_daemon *d;
	const struct vd_log_value *v;

	put_process(ARGS("libvirtd"), ARGS("LIBVIRT_DEBUG=z"));
	put("/proc/stat", "cpu 0\nbtime 9223372036854775800\n");
	put("/etc/libvirt/libvirtd.conf", "");
	root = open_root();
	tap_int(vd_daemons_load(root, false, NULL, &ds, NULL), 0, "late start: loaded");
	d = vd_daemons_get(&ds, "libvirtd");
	if (tap_ok(d && vd_daemon_main(d), "late start: found")) {
		tap_ok(vd_daemon_main(d)->since == INT64_MAX, "late start: at the end of time");
		tap_ok(!d->conf_newer, "late start: no file is newer");
		tap_int(vd_daemon_log_load(root, &ds.scope, d, &values), 0, "late start: settings");
		v = vd_log_values_get(&values, VD_SETTING_OUTPUTS, false);
		tap_str(v ? v->value : NULL, "3:stderr", "late start: outputs with a level that is none");
	}
	clear();
}

/* A capture's list of sockets may be as long as it likes, and hold nothing but the one that is looked for. */
static void test_many_sockets(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_DAEMONS ds = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	const struct vd_daemon *d;
	int rc = 0;

	for (size_t i = 0; i < 200000 && rc == 0; i++)
		rc = vd_buf_adds(&text,
		                 "0000000000000000: 00000002 00000000 00000000 0001 03 1 /run/libvirt/libvirt-sock\n");
	if (rc == 0)
		rc = vd_buf_adds(&text,
		                 "0000000000000000: 00000002 00000000 00010000 0001 01 1 /run/libvirt/libvirt-sock\n");
	put("/usr/sbin/libvirtd", "");
	put("/run/x", "");
	put_bytes("/proc/net/unix", text.data, text.len);
	root = open_root();
	alarm(60);
	tap_ok(rc == 0 && vd_daemons_load(root, false, NULL, &ds, NULL) == 0, "many sockets: loaded");
	alarm(0);
	d = vd_daemons_get(&ds, "libvirtd");
	tap_int(d ? d->state : VD_DAEMON_UNKNOWN, VD_DAEMON_WAITING, "many sockets: the last one is listened on");
	clear();
}

int main(void)
{
	if (!tap_ok(mkdtemp(dir) != NULL, "a directory"))
		return tap_done();
	test_unit_env();
	test_unit_states();
	test_cmdline();
	test_precedence();
	test_environ();
	test_late_start();
	test_many_sockets();
	rmdir(dir);
	return tap_done();
}
