/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects changing a setting of libvirt's configuration files: the edited text (first duplicate, comments, quoting),
 * and the replacement of the file (atomic, mode, backup, symlinks, captures, nothing left after a failure).
 */
#include "../../lib/conf-edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tap.h"

static const struct {
	const char *what, *before, *value; /* NULL: take out */
	int result;
	const char *after;
} edits[] = {
	{ "set in an empty file", "", "1:qemu", 1, "log_filters = \"1:qemu\"\n" },
	{ "set at the end", "a = 1\n", "x", 1, "a = 1\nlog_filters = \"x\"\n" },
	{ "set behind a last line without its end", "a = 1", "x", 1, "a = 1\nlog_filters = \"x\"\n" },
	{ "set with the line ends of the file", "a = 1\r\n", "x", 1, "a = 1\r\nlog_filters = \"x\"\r\n" },
	{ "set below the example", "#log_filters=\"1:q\"\n\n# next\nb=2\n", "x", 1,
	  "#log_filters=\"1:q\"\nlog_filters = \"x\"\n\n# next\nb=2\n" },
	{ "an example of another name is none", "#log_filters_x = 1\nb=2\n", "x", 1,
	  "#log_filters_x = 1\nb=2\nlog_filters = \"x\"\n" },
	{ "an example in a long string is none", "a = \"\"\"\n#log_filters = 1\n\"\"\"\nb=2\n", "x", 1,
	  "a = \"\"\"\n#log_filters = 1\n\"\"\"\nb=2\nlog_filters = \"x\"\n" },
	{ "replace, comment and blanks kept", "  log_filters=\"old\"   # why\nb=2\n", "new", 1,
	  "  log_filters = \"new\"   # why\nb=2\n" },
	{ "replace the first of two, the one that counts", "log_filters=\"a\"\nlog_filters=\"b\"\n", "c", 1,
	  "log_filters = \"c\"\nlog_filters=\"b\"\n" },
	{ "replace between semicolons", "a=1;log_filters='x';b=2", "y", 1, "a=1;log_filters = \"y\";b=2" },
	{ "replace a number", "log_filters = 3\n", "y", 1, "log_filters = \"y\"\n" },
	{ "the same value: untouched", "log_filters='x' # c\n", "x", 0, "log_filters='x' # c\n" },
	{ "double quotes", "", "1:\"x\"", 1, "log_filters = '1:\"x\"'\n" },
	{ "both quotes", "", "'\"x", 1, "log_filters = \"\"\"'\"x\"\"\"\n" },
	{ "a line end", "", "1:a\n2:b", 1, "log_filters = \"\"\"1:a\n2:b\"\"\"\n" },
	{ "what no quotes hold", "", "'x\"", -EINVAL, "" },
	{ "a broken file stays", "a = \n", "x", -EBADMSG, "" },
	{ "take out the line", "a=1\nlog_filters=\"x\"\nb=2\n", NULL, 1, "a=1\nb=2\n" },
	{ "take out all of them", "log_filters=\"x\"\n#c\nlog_filters='y'\n", NULL, 1, "#c\n" },
	{ "take out the only one", "log_filters=\"x\"\n\n", NULL, 1, "" },
	{ "take out before a comment", "log_filters=\"x\" # c\nb=2", NULL, 1, " # c\nb=2" },
	{ "take out at a semicolon", "log_filters=\"x\"; b=2\n", NULL, 1, "b=2\n" },
	{ "take out behind a semicolon", "a=1; log_filters=\"x\"\n", NULL, 1, "a=1; \n" },
	{ "take out two on a line", "log_filters=1; log_filters=2; b=3\n", NULL, 1, "b=3\n" },
	{ "take out what is not there", "a=1\n", NULL, 0, "a=1\n" },
	{ "take out at the end", "a=1\nlog_filters=\"x\"", NULL, 1, "a=1\n" },
};

static void test_edit(void)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(edits); i++) {
		VD_AUTO_BUF text = VD_BUF_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;
		struct vd_conf_value value = { .type = VD_CONF_STRING, .string = (char *)(uintptr_t)edits[i].value };
		int r = vd_conf_edit(edits[i].before, strlen(edits[i].before), "f.conf", "log_filters",
		                     edits[i].value ? &value : NULL, &text, &err);

		tap_int(r, edits[i].result, "edit: %s: result", edits[i].what);
		if (r >= 0)
			tap_str(vd_buf_str(&text), edits[i].after, "edit: %s: text", edits[i].what);
		else
			tap_ok(err.text && strstr(err.text, "f.conf"), "edit: %s: names the file", edits[i].what);
	}
}

static void test_format(void)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	char cpu[] = "cpu", odd[] = "a\"b";
	struct vd_conf_value items[] = { { .type = VD_CONF_STRING, .string = cpu },
		                         { .type = VD_CONF_STRING, .string = odd } };
	struct vd_conf_value list = { .type = VD_CONF_LIST, .items = items, .len = 2 }, nested = list;
	struct vd_conf_value number = { .type = VD_CONF_INT, .number = 3, .is_negative = true };

	tap_int(vd_conf_format(&list, &text), 0, "format: list");
	tap_str(vd_buf_str(&text), "[ \"cpu\", 'a\"b' ]", "format: list: text");
	vd_buf_clear(&text);
	tap_int(vd_conf_format(&number, &text), 0, "format: number");
	tap_str(vd_buf_str(&text), "-3", "format: number: text");
	nested.items = &list;
	nested.len = 1;
	tap_int(vd_conf_format(&nested, &text), -EINVAL, "format: list in a list: refused");
	vd_buf_clear(&text);
	list.len = 0;
	tap_int(vd_conf_format(&list, &text), 0, "format: empty list");
	tap_str(vd_buf_str(&text), "[]", "format: empty list: text");
}

static void test_diff(void)
{
	static const struct {
		const char *before, *after, *diff;
	} cases[] = {
		{ "a\n", "a\n", "" },
		{ "", "x\n", "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+x\n" },
		{ "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
		  "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n" },
		{ "a\nb\n", "a\nX\nb\n", "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n+X\n b\n" },
		{ "a", "a\nb\n", "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n" },
		{ "#a\nb\n", "#a\na\nb\n", "--- f\n+++ f\n@@ -1,2 +1,3 @@\n #a\n+a\n b\n" },
		{ "xa\n", "a\n", "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-xa\n+a\n" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF a = VD_BUF_INIT, b = VD_BUF_INIT, diff = VD_BUF_INIT;

		tap_int(vd_buf_adds(&a, cases[i].before) + vd_buf_adds(&b, cases[i].after), 0, "diff: case %zu", i);
		tap_int(vd_conf_diff("f", &a, &b, &diff), 0, "diff: case %zu: returns", i);
		tap_str(vd_buf_str(&diff), cases[i].diff, "diff: case %zu: text", i);
	}
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static char dir[] = "/tmp/vd-conf-XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	f = fopen(path, "w");
	if (f) {
		fputs(text, f);
		fclose(f);
	}
	chmod(path, mode);
}

static int names_in(const char *name)
{
	char path[128];
	DIR *d;
	int n = -2;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int replace(unsigned flags, const char *path, const char *before, const char *after, char **ret_path,
                   char **ret_backup, struct vd_err *err)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_BUF old = VD_BUF_INIT, text = VD_BUF_INIT;

	if (vd_root_open(dir, flags, &root, err) < 0 || vd_buf_adds(&old, before ? before : "") < 0 ||
	    vd_buf_adds(&text, after) < 0)
		return -EIO;
	return vd_conf_write(root, path, before ? &old : NULL, &text, ret_path, ret_backup, err);
}

static void is_text(const char *name, const char *wanted, const char *what)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;
	VD_AUTO_BUF text = VD_BUF_INIT;

	tap_ok(vd_root_open(dir, VD_ROOT_LIVE, &root, NULL) == 0 && vd_root_read(root, name, 1000, &text, NULL) == 0,
	       "write: %s: readable", what);
	tap_str(vd_buf_str(&text), wanted, "write: %s: text", what);
}

static void test_replace(void)
{
	VD_AUTO_FREE char *path = NULL, *backup = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	char full[128];
	struct stat st = { 0 };
	bool with_xattr;

	put("/etc/a.conf", "old\n", 0640);
	snprintf(full, sizeof(full), "%s/etc/a.conf", dir);
	with_xattr = setxattr(full, "user.note", "kept", 4, 0) == 0;
	if (geteuid() == 0)
		tap_int(chown(full, 1234, 4321), 0, "write: another owner");
	tap_int(replace(VD_ROOT_LIVE, "/etc/a.conf", "old\n", "new\n", &path, &backup, &err), 0, "write: replaced");
	is_text("/etc/a.conf", "new\n", "new file");
	tap_str(path, "/etc/a.conf", "write: path");
	tap_ok(backup && !strncmp(backup, "/etc/a.conf.20", 14), "write: dated backup: %s", backup ? backup : "none");
	if (backup)
		is_text(backup, "old\n", "backup");
	tap_int(stat(full, &st), 0, "write: new file is there");
	tap_int(st.st_mode & 07777, 0640, "write: mode kept");
	if (geteuid() == 0)
		tap_ok(st.st_uid == 1234 && st.st_gid == 4321, "write: owner kept");
	if (with_xattr) {
		char value[8] = "";

		tap_int(getxattr(full, "user.note", value, sizeof(value)), 4, "write: attribute kept");
	}
	tap_int(names_in("/etc"), 2, "write: only the file and its backup");
	free(vd_steal(path));
	free(vd_steal(backup));
	tap_int(replace(VD_ROOT_LIVE, "/etc/a.conf", "new\n", "third\n", &path, &backup, &err), 0,
	        "write: twice in a second");
	tap_int(names_in("/etc"), 3, "write: both backups");
}

static void test_refused(void)
{
	VD_AUTO_FREE char *path = NULL, *backup = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;

	put("/no/b.conf", "mine\n", 0644);
	tap_int(replace(VD_ROOT_LIVE, "/no/b.conf", "theirs\n", "new\n", &path, &backup, &err), -ESTALE,
	        "write: changed meanwhile: refused");
	is_text("/no/b.conf", "mine\n", "changed meanwhile");
	tap_int(replace(0, "/no/b.conf", "mine\n", "new\n", &path, &backup, &err), -EROFS, "write: capture: refused");
	is_text("/no/b.conf", "mine\n", "capture");
	tap_int(replace(VD_ROOT_LIVE, "/no/b.conf", NULL, "new\n", &path, &backup, &err), -EEXIST,
	        "write: a file that should not be there: refused");
	is_text("/no/b.conf", "mine\n", "file that should not be there");
	tap_int(replace(VD_ROOT_LIVE, "/no/no.conf", "mine\n", "new\n", &path, &backup, &err), -ENOENT,
	        "write: a file that is gone: refused");
	tap_int(names_in("/no"), 1, "write: nothing left behind");
	tap_ok(!path && !backup, "write: results untouched");
}

static void test_links(void)
{
	VD_AUTO_FREE char *path = NULL, *backup = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	char link[128];
	struct stat st = { 0 };

	put("/real/c.conf", "old\n", 0600);
	snprintf(link, sizeof(link), "%s/etc/c.conf", dir);
	tap_int(symlink("/real/c.conf", link), 0, "write: a symlink");
	tap_int(replace(VD_ROOT_LIVE, "/etc/c.conf", "old\n", "new\n", &path, &backup, &err), 0, "write: by symlink");
	tap_str(path, "/real/c.conf", "write: symlink: its target is named");
	tap_ok(lstat(link, &st) == 0 && S_ISLNK(st.st_mode), "write: symlink is one still");
	is_text("/real/c.conf", "new\n", "target");
	free(vd_steal(path));
	free(vd_steal(backup));
	tap_int(replace(VD_ROOT_LIVE, "/real/new.conf", NULL, "first\n", &path, &backup, &err), 0, "write: a new file");
	is_text("/real/new.conf", "first\n", "new file");
	snprintf(link, sizeof(link), "%s/real/new.conf", dir);
	tap_ok(stat(link, &st) == 0 && (st.st_mode & 07777) == 0644, "write: new file: mode");
}

int main(void)
{
	static const char *const subdirs[] = { "/etc", "/no", "/real" };
	char command[64];

	test_edit();
	test_format();
	test_diff();
	if (!tap_ok(mkdtemp(dir) != NULL, "a directory"))
		return tap_done();
	for (size_t i = 0; i < VD_ARRAY_SIZE(subdirs); i++) {
		snprintf(command, sizeof(command), "%s%s", dir, subdirs[i]);
		mkdir(command, 0755);
	}
	test_replace();
	test_refused();
	test_links();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	tap_int(system(command), 0, "cleaned up");
	return tap_done();
}
