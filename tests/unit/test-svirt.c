/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the labelling rules: for each guest of tests/data/svirt, every file with the label that libvirt sets while
 * the guest runs and with what becomes of it afterwards, in order, and nothing else.
 *
 * CASE.expected.tsv: a line "# outcome=ok|refused, evidence=..., settings=WORD,WORD", a line of column names, then
 * path, role, running, after, notes. Settings: default (namespaces = [], one line of process contexts); tcg (a second
 * line); namespaces; stdio-file; driver-none; not-confined; require-confined; drawn (no categories given).
 */
#include "../../lib/svirt.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "../../lib/host.h"
#include "make-image.h"
#include "tap.h"

#define DATA "tests/data/svirt/"

static const char *tree;

static void put(const char *path, const char *text)
{
	if (!make_file(tree, path, text, strlen(text)))
		tap_ok(false, "cannot make %s", path);
}

static bool slurp(const char *path, struct vd_buf *buf)
{
	FILE *f = fopen(path, "r");
	char piece[4096];
	size_t n;

	vd_buf_clear(buf);
	if (!f)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		if (vd_buf_add(buf, piece, n) < 0)
			break;
	fclose(f);
	return true;
}

/* Cut @line at tabs into @fields; the last takes the rest. */
static unsigned split(char *line, char **fields, unsigned max)
{
	unsigned n = 0;

	while (line && n < max) {
		fields[n++] = line;
		line = n < max ? strchr(line, '\t') : NULL;
		if (line)
			*line++ = '\0';
	}
	return n;
}

/* "\t" in a path of the tables is a tab. */
static void untab(char *s)
{
	for (char *at = s; (at = strstr(at, "\\t")); at++) {
		*at = '\t';
		memmove(at + 1, at + 2, strlen(at + 2) + 1);
	}
}

static void make_image(const char *path, const char *format, const char *backing, const char *backing_format)
{
	static struct image_bytes image;

	if (!strcmp(format, "qcow2"))
		make_qcow(&image, 3, backing, backing_format, NULL);
	else if (!strcmp(format, "rawqcow2")) /* a raw disk that the guest filled so */
		make_qcow(&image, 3, backing, backing_format, NULL);
	else if (!strcmp(format, "qcow"))
		make_qcow(&image, 1, backing, NULL, NULL);
	else if (!strcmp(format, "qed"))
		make_qed(&image, backing, backing_format);
	else if (!strcmp(format, "vmdk"))
		make_vmdk(&image, backing);
	else if (!strcmp(format, "qcow2+data")) /* the backing column names the data file */
		make_qcow(&image, 3, NULL, NULL, backing);
	else
		memset(&image, 0, sizeof(image)), image.len = 512;
	if (!make_file(tree, path, image.data, image.len))
		tap_ok(false, "cannot make %s", path);
}

/*
 * Images of all cases. The path of one holds a tab, so fields are counted from the end: format, backing and backing
 * format hold none.
 */
static void make_images(const char *table)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	char *save = NULL;

	if (!slurp(table, &text))
		tap_ok(false, "cannot read %s", table);
	for (char *line = text.len ? strtok_r(text.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *tail[3], *path = strchr(line, '\t');

		if (*line == '#' || !path)
			continue;
		for (int i = 2; i >= 0; i--) {
			tail[i] = strrchr(line, '\t');
			*tail[i]++ = '\0';
		}
		make_image(path + 1, tail[0], strcmp(tail[1], "-") != 0 ? tail[1] : NULL,
		           strcmp(tail[2], "-") != 0 ? tail[2] : NULL);
	}
}

static void make_host(const char *settings)
{
	static const char *const types[] = { "default", "targeted" };
	bool tcg = strstr(settings, "tcg") != NULL;
	VD_AUTO_BUF conf = VD_BUF_INIT;
	char path[256];

	put("/etc/libvirt/storage/pool66.xml",
	    "<pool type='dir'><name>pool66</name><target><path>/srv/sf/66</path></target></pool>");
	put("/etc/selinux/config", "# SELINUXTYPE=none\nSELINUX=enforcing\nSELINUXTYPE=targeted \n");
	put("/sys/fs/selinux/enforce", "1");
	for (size_t i = 0; i < VD_ARRAY_SIZE(types); i++) {
		snprintf(path, sizeof(path), "/etc/selinux/%s/contexts/virtual_domain_context", types[i]);
		put(path, tcg ? "system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n"
		              : "system_u:system_r:svirt_t:s0\n");
		snprintf(path, sizeof(path), "/etc/selinux/%s/contexts/virtual_image_context", types[i]);
		put(path, "system_u:object_r:svirt_image_t:s0\nsystem_u:object_r:virt_content_t:s0\n");
		snprintf(path, sizeof(path), "/etc/selinux/%s/contexts/lxc_contexts", types[i]);
		put(path, "process = \"system_u:system_r:container_t:s0\"\n"
		          "content = \"system_u:object_r:virt_var_lib_t:s0\"\n"
		          "file = \"system_u:object_r:container_file_t:s0\"\n");
	}
	if (vd_buf_addf(&conf, "namespaces = [%s]\nstdio_handler = \"%s\"\n",
	                strstr(settings, "namespaces") ? " \"mount\" " : "",
	                strstr(settings, "stdio-file") ? "file" : "logd") < 0)
		return;
	if (strstr(settings, "driver-none") && vd_buf_adds(&conf, "security_driver = \"none\"\n") < 0)
		return;
	if (strstr(settings, "not-confined") && vd_buf_adds(&conf, "security_default_confined = 0\n") < 0)
		return;
	if (strstr(settings, "require-confined") && vd_buf_adds(&conf, "security_require_confined = 1\n") < 0)
		return;
	put("/etc/libvirt/qemu.conf", vd_buf_str(&conf));
}

/* The host's sysfs: devices that the hostdevs of the cases mean. */
static void make_sysfs(void)
{
	static const struct {
		const char *dir, *vendor, *product, *bus, *device;
	} usb[] = { { "1-1", "046d\n", "c52b\n", "2\n", "7\n" },
		    { "usb1", "1d6b\n", "0002\n", "1\n", "1\n" },
		    { "usb2", "1d6b\n", "0002\n", "2\n", "1\n" } };
	static const struct {
		const char *dir, *target;
	} groups[] = { { "/sys/bus/pci/devices/0000:03:00.0", "../../../../kernel/iommu_groups/17" },
		       { "/sys/bus/mdev/devices/c2177883-f1bb-47f0-914d-32a22e3a8804",
		         "../../../../kernel/iommu_groups/18" } };
	char path[4352];

	for (size_t i = 0; i < VD_ARRAY_SIZE(usb); i++) {
		const char *const names[] = { "idVendor", "idProduct", "busnum", "devnum" };
		const char *const values[] = { usb[i].vendor, usb[i].product, usb[i].bus, usb[i].device };

		for (size_t k = 0; k < VD_ARRAY_SIZE(names); k++) {
			snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/%s", usb[i].dir, names[k]);
			put(path, values[k]);
		}
	}
	for (size_t i = 0; i < VD_ARRAY_SIZE(groups); i++) {
		snprintf(path, sizeof(path), "%s/vendor", groups[i].dir);
		put(path, "");
		snprintf(path, sizeof(path), "%s%s/iommu_group", tree, groups[i].dir);
		if (symlink(groups[i].target, path) < 0)
			tap_ok(false, "cannot make %s", path);
	}
	put("/sys/bus/scsi/devices/2:0:1:0/scsi_generic/sg3/dev", "21:3\n");
	put("/sys/class/tpm/tpm0/device/cancel", "");
}

static const char *after_name(enum vd_after after)
{
	static const char *const names[] = { "unchanged", "remembered", "kept", "default", "gone" };

	return names[after];
}

/* What was expected in the form of the tables: "PATH\tRUNNING\tAFTER", the role too where the table has a known one. */
static void row_text(const struct vd_expect *e, bool with_role, struct vd_buf *text)
{
	vd_buf_clear(text);
	if (vd_buf_addf(text, "%s\t%s\t%s",
	                e->path     ? e->path
	                : e->remote ? e->remote
	                            : "-",
	                e->running ? e->running : "-", after_name(e->after)) < 0 ||
	    (with_role && vd_buf_addf(text, "\t%s:%s", vd_role_name(e->role), e->target) < 0))
		vd_buf_clear(text);
}

/* The first of @expects for @path that is not in @used yet; its length when there is none. */
static size_t find_row(const struct vd_expects *expects, const char *path, const bool *used)
{
	size_t i = 0;

	for (; i < expects->len; i++) {
		const struct vd_expect *e = &expects->items[i];
		const char *shown = e->path ? e->path : e->remote ? e->remote : "-";

		if (!used[i] && !strcmp(shown, path))
			break;
	}
	return i;
}

/* One line of a table. Tables of the real driver describe the role in words; ours write role:target. */
static void compare_row(const char *name, char **fields, const struct vd_expects *expects, bool *used)
{
	bool with_role = !strchr(fields[1], ' ') && strchr(fields[1], ':');
	VD_AUTO_BUF got = VD_BUF_INIT;
	VD_AUTO_BUF want = VD_BUF_INIT;
	size_t at;

	untab(fields[0]);
	at = find_row(expects, fields[0], used);
	if (at == expects->len) {
		/* A file that libvirt does not touch need not be known as one of the guest's. */
		tap_ok(!strcmp(fields[2], "-") && !with_role, "%s: %s is reported", name, fields[0]);
		return;
	}
	used[at] = true;
	if (vd_buf_addf(&want, "%s\t%s\t%s%s%s", fields[0], fields[2], fields[3], with_role ? "\t" : "",
	                with_role ? fields[1] : "") < 0)
		return;
	row_text(&expects->items[at], with_role, &got);
	tap_str(vd_buf_str(&got), vd_buf_str(&want), "%s: %s", name, fields[0]);
}

/* Every row of the table, from @line on, and nothing else. */
static void compare(const char *name, char *line, const struct vd_expects *expects)
{
	bool *used = calloc(expects->len + 1, sizeof(*used));
	VD_AUTO_BUF got = VD_BUF_INIT;

	for (char *next; used && line && *line; line = next) {
		char *fields[5] = { NULL };

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (split(line, fields, 5) >= 4)
			compare_row(name, fields, expects, used);
	}
	for (size_t i = 0; used && i < expects->len; i++) {
		if (used[i])
			continue;
		row_text(&expects->items[i], true, &got);
		tap_ok(false, "%s: more than wanted: %s", name, vd_buf_str(&got));
	}
	free(used);
}

static const char *setting(const char *header, const char *key, char *buf, size_t size)
{
	const char *at = strstr(header, key);

	buf[0] = '\0';
	if (at)
		snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(key), "\t\n"), at + strlen(key));
	return buf;
}

/* Why libvirt would not start the guest: its seclabels, or a chain that cannot be walked. */
static const char *refusal(const struct vd_expects *expects)
{
	for (size_t i = 0; i < expects->len && !expects->refused; i++)
		if (expects->items[i].problem != VD_CHAIN_OK && expects->items[i].problem != VD_CHAIN_EVIDENCE &&
		    !(expects->items[i].problem == VD_CHAIN_MISSING && expects->items[i].layer == 0))
			return expects->items[i].problem_text;
	return expects->refused;
}

/* What holds for every file, whatever the case. */
static void check_each(const char *name, const struct vd_expects *expects, const struct vd_domain *domain)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < expects->len; i++) {
		const struct vd_expect *e = &expects->items[i];
		const char *running = e->running ? e->running : "";
		bool bare = strlen(running) > 3 && !strcmp(running + strlen(running) - 3, ":s0");

		wrong += !e->target;
		wrong += e->categories == VD_CATEGORIES_AT_START && !bare && e->running;
		wrong += e->categories == VD_CATEGORIES_FIXED && bare;
		wrong += e->network && (e->path || e->running);
		/* The root is a capture: a private /dev is not in it. */
		wrong += e->private_dev && domain->status && e->path;
		wrong += !e->running && e->after != VD_AFTER_UNCHANGED;
		wrong += (e->problem != VD_CHAIN_OK) != (e->problem_text != NULL);
		wrong += e->res_index < -1 || e->res_index >= (int)domain->n_resources;
	}
	tap_int(wrong, 0, "%s: what holds for every file", name);
}

static void run_case(struct vd_root *root, const char *name)
{
	VD_AUTO_BUF xml = VD_BUF_INIT;
	VD_AUTO_BUF table = VD_BUF_INIT;
	VD_AUTO_DOMAIN struct vd_domain *domain = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_svirt_settings settings = { 0 };
	struct vd_expects expects = { 0 };
	char path[512], settings_text[128], process[128], *line;
	const char *reason;
	bool refused;

	snprintf(path, sizeof(path), DATA "%s.xml", name);
	if (!tap_ok(slurp(path, &xml), "%s: read", path))
		return;
	snprintf(path, sizeof(path), DATA "%s.expected.tsv", name);
	if (!tap_ok(slurp(path, &table) && table.len, "%s: read", path))
		return;
	setting(table.data, "settings=", settings_text, sizeof(settings_text));
	setting(table.data, "process=", process, sizeof(process));
	refused = strstr(table.data, "outcome=refused") != NULL;
	make_host(settings_text);
	if (!tap_ok(vd_domain_parse(xml.data, xml.len, name, &domain, &err) == 0, "%s: parsed (%s)", name,
	            vd_err_text(&err)) ||
	    !tap_ok(vd_svirt_settings_load(root, false, &settings, NULL, &err) == 0, "%s: settings", name))
		return;
	settings.libvirt = VD_VERSION(9, 0, 0);
	if (strstr(settings_text, "10.10"))
		settings.libvirt = VD_VERSION(10, 10, 0);
	tap_int(vd_svirt_expect(root, domain, &settings,
	                        domain->status || strstr(settings_text, "drawn") ? NULL : "c111,c222", &expects, &err),
	        0, "%s: expected", name);
	reason = refusal(&expects);
	tap_int(reason != NULL, refused, "%s: refused or not (%s)", name, reason ? reason : "not");
	if (process[0])
		tap_str(expects.process ? expects.process : "-", process, "%s: process", name);
	line = strchr(table.data, '\n');
	line = line ? strchr(line + 1, '\n') : NULL;
	check_each(name, &expects, domain);
	if (!refused)
		compare(name, line ? line + 1 : NULL, &expects);
	vd_expects_release(&expects);
	vd_svirt_settings_release(&settings);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void test_cases(struct vd_root *root)
{
	struct dirent **entries = NULL;
	int n = scandir(DATA, &entries, NULL, by_name);
	unsigned cases = 0;

	for (int i = 0; i < n; i++) {
		char *dot = strstr(entries[i]->d_name, ".xml");

		if (dot && !dot[4]) {
			*dot = '\0';
			run_case(root, entries[i]->d_name);
			cases++;
		}
		free(entries[i]);
	}
	free(entries);
	tap_ok(cases >= 8, "%u cases were tried", cases);
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;

	tree = make_tree();
	make_images(DATA "files.tsv");
	make_sysfs();
	if (tap_ok(vd_root_open(tree, 0, &root, NULL) == 0, "the root opens"))
		test_cases(root);
	remove_tree(tree);
	return tap_done();
}
