/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small files of a hostile capture: packages, accounts, units and their environment, processes, sockets, mounts,
 * guests. Input: pieces with NUL between them, each a letter that names a file of the table and then what is in it;
 * \1 stands for NUL there.
 */
#include "fuzz.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "daemons.h"
#include "guests.h"
#include "host.h"
#include "selinux-host.h"
#include "svirt-conf.h"
#include "unmounted.h"

static const char *const files[] = {
	"etc/hostname",
	"etc/machine-id",
	"var/lib/dpkg/status",
	"installed-rpms",
	"installed-debs",
	"var/log/libvirt/qemu/a.log",
	"etc/passwd",
	"etc/group",
	"etc/selinux/config",
	"etc/fstab",
	"etc/systemd/system/srv-nas.mount",
	"etc/libvirt/storage/a.xml",
	"proc/self/mountinfo",
	"proc/stat",
	"proc/net/unix",
	"proc/7/stat",
	"proc/7/cmdline",
	"proc/7/environ",
	"proc/7/status",
	"proc/7/maps",
	"etc/libvirt/virtqemud.conf",
	"usr/lib/systemd/system/virtqemud.service",
	"etc/systemd/system/virtqemud.service.d/a.conf",
	"etc/default/virtqemud",
	"run/libvirt/qemu/a.xml",
	"run/virtqemud.pid",
};
#define N_FILES (sizeof(files) / sizeof(files[0]))

static char dir[64];
static int top = -1;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_host(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool make_host(void)
{
	if (top >= 0)
		return true;
	top = fuzz_dir(dir, remove_host);
	for (size_t i = 0; i < N_FILES; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s", files[i]);
		for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
			*slash = '\0';
			if (mkdirat(top, path, 0700) < 0 && errno != EEXIST)
				return false;
			*slash = '/';
		}
	}
	return symlinkat("/usr/sbin/virtqemud", top, "proc/7/exe") == 0;
}

static void put(const char *name, char *text)
{
	VD_AUTO_CLOSE int fd = openat(top, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\1')
			text[i] = '\0';
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		exit(0);
}

static void check_daemon(struct vd_root *root, const struct vd_daemons *daemons, const struct vd_daemon *d)
{
	VD_AUTO_LOG_VALUES values = { 0 };
	const struct vd_daemon_process *p = vd_daemon_main(d);

	FUZZ_CHECK((unsigned)d->state < VD_DAEMON_STATE_COUNT_ && vd_daemon_state_name(d->state), "state of %s",
	           d->name);
	FUZZ_CHECK(!p || p->pid == 7, "%s is process %ld", d->name, p ? (long)p->pid : 0);
	if (vd_daemon_log_load(root, &daemons->scope, d, &values) < 0)
		return;
	for (size_t i = 0; i < values.len; i++)
		FUZZ_CHECK(values.items[i].value || values.items[i].error || values.items[i].unread,
		           "setting %zu says nothing", i);
	for (int s = 0; s < VD_SETTING_COUNT_; s++)
		for (int next = 0; next < 2; next++) {
			const struct vd_log_value *v = vd_log_values_get(&values, (enum vd_log_setting)s, next);

			FUZZ_CHECK(!v || (v >= values.items && v < values.items + values.len),
			           "a value from elsewhere");
		}
}

static void check_daemons(struct vd_root *root)
{
	VD_AUTO_DAEMONS daemons = { 0 };
	VD_CLEANUP(vd_unit_env_release) struct vd_unit_env env = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_daemons_load(root, false, NULL, &daemons, &err);

	if (r == -ENOMEM)
		exit(0);
	fuzz_check_err(r, &err);
	for (size_t i = 0; i < daemons.len; i++)
		check_daemon(root, &daemons, &daemons.items[i]);
	if (vd_unit_env_load(root, "virtqemud", &env) < 0)
		exit(0);
	for (size_t i = 0; i < env.len; i++) {
		const struct vd_unit_var *v = &env.items[i];

		FUZZ_CHECK(*v->name && !strchr(v->name, '=') && v->value && v->path && v->line, "variable '%s'",
		           v->name);
		FUZZ_CHECK(vd_unit_env_get(&env, v->name) != NULL, "'%s' is not found", v->name);
	}
}

static void check_guests(struct vd_root *root)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	const struct vd_guests_options options = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_guests_load(root, &options, &guests, &err);

	if (r == -ENOMEM)
		exit(0);
	fuzz_check_err(r, &err);
	FUZZ_CHECK(guests.len + guests.n_problems <= 1, "%zu guests, %zu problems of one file", guests.len,
	           guests.n_problems);
}

static void check_accounts(struct vd_root *root)
{
	struct vd_svirt_settings settings = { 0 };
	struct vd_account qemu = { 0 }, process = { 0 }, label = { 0 };

	if (vd_account_qemu(root, &settings, &qemu) < 0 || vd_account_process(root, 7, &process) < 0 ||
	    vd_account_label(root, &qemu, "root:7", &label) < 0)
		exit(0);
	FUZZ_CHECK(qemu.known || qemu.why, "QEMU's account is not known, and nothing says why");
	FUZZ_CHECK(process.known || process.why, "the process's account is not known, and nothing says why");
	vd_account_release(&qemu);
	vd_account_release(&process);
	vd_account_release(&label);
}

static void check_mounts(struct vd_root *root)
{
	struct vd_mount_points points = { 0 };
	VD_CLEANUP(vd_mounts_release) struct vd_mounts mounts = { 0 };

	if (vd_mount_points_load(root, &points) < 0)
		exit(0);
	if (vd_mounts_load(root, &mounts, NULL) == 0) {
		const struct vd_mount_point *p = vd_mount_points_missing(&points, &mounts, "/srv/nas/images/a.qcow2");

		FUZZ_CHECK(!p || !strncmp("/srv/nas/images/a.qcow2", p->target, strlen(p->target)),
		           "'%s' does not hold it", p ? p->target : "");
	}
	vd_mount_points_release(&points);
}

static void check_host(struct vd_root *root)
{
	struct vd_host host = { 0 };
	struct vd_selinux_config config = { 0 };
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	if (vd_host_load(root, &host) < 0)
		exit(0);
	FUZZ_CHECK(!host.libvirt == !host.libvirt_evidence, "version %u without evidence", host.libvirt);
	FUZZ_CHECK(!host.name || (*host.name && !strchr(host.name, '\n')), "a name of several lines");
	vd_host_release(&host);
	r = vd_selinux_config_load(root, &config, &err);
	if (r != -ENOMEM)
		fuzz_check_err(r, &err);
	vd_selinux_config_release(&config);
}

FUZZ_TARGET("host")
{
	VD_AUTO_ROOT struct vd_root *root = NULL;

	if (!make_host() || vd_root_open(dir, 0, &root, NULL) < 0)
		exit(0);
	for (size_t i = 0; i < N_FILES; i++)
		unlinkat(top, files[i], 0);
	while (size) {
		VD_AUTO_FREE char *piece = fuzz_piece(&data, &size);

		if (*piece)
			put(files[(unsigned char)(*piece - 'a') % N_FILES], piece + 1);
	}
	check_host(root);
	check_daemons(root);
	check_guests(root);
	check_accounts(root);
	check_mounts(root);
	return 0;
}
