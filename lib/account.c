/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.account");

/* Bits of CapEff: capabilities(7). Either lets a process read and search whatever the mode says. */
#define CAP_DAC_OVERRIDE 1

/* More groups than a process can be in (NGROUPS_MAX): a hostile file must not make us grow for ever. */
#define MAX_GROUPS 65536

void vd_account_release(struct vd_account *account)
{
	free(account->gids);
	free(account->name);
	free(account->why);
	memset(account, 0, sizeof(*account));
}

struct vd_acl_who vd_account_who(const struct vd_account *account)
{
	return (struct vd_acl_who){ .uid = account->uid, .gids = account->gids, .ngids = account->ngids };
}

/* Not known, and why. Returns 0 or -ENOMEM. */
static int unknown(struct vd_account *a, const char *fmt, const char *word)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	/* @word may be one of @a's own. */
	if (vd_buf_addf(&text, "%s%s", fmt, word) < 0)
		return -ENOMEM;
	vd_account_release(a);
	a->why = vd_buf_steal(&text);
	return a->why ? 0 : -ENOMEM;
}

static int add_group(struct vd_account *a, gid_t gid)
{
	gid_t *grown;

	for (size_t i = 0; i < a->ngids; i++)
		if (a->gids[i] == gid)
			return 0;
	if (a->ngids >= MAX_GROUPS)
		return 0;
	grown = reallocarray(a->gids, a->ngids + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->gids = grown;
	a->gids[a->ngids++] = gid;
	return 0;
}

/* --- names and numbers --- */

/* A whole number, with '+' in front or not. */
static bool parse_id(const char *s, uint32_t *ret)
{
	unsigned long long n;
	char *end;

	if (*s == '+')
		s++;
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	/* The highest number means "no user" to the kernel. */
	if (errno || *end || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* libvirt takes a name first and a number only when no account has that name; '+' makes it a number at once. */
static bool find_user(struct vd_root *root, const char *word, uid_t *ret)
{
	return (*word != '+' && vd_host_user(root, word, ret, NULL, NULL, NULL) == 0) || parse_id(word, ret);
}

static bool find_group(struct vd_root *root, const char *word, gid_t *ret)
{
	return (*word != '+' && vd_host_group(root, word, ret, NULL) == 0) || parse_id(word, ret);
}

/* Name and groups of a->uid from the root's passwd and group. Returns 0 or -ENOMEM. */
static int describe(struct vd_root *root, struct vd_account *a)
{
	VD_AUTO_FREE char *name = NULL;
	char number[16];
	gid_t primary;
	int r = vd_host_user_by_uid(root, a->uid, &name, &primary, NULL, NULL);

	if (r == -ENOMEM)
		return r;
	snprintf(number, sizeof(number), "%lu", (unsigned long)a->uid);
	a->name = strdup(name ? name : number);
	if (!a->name)
		return -ENOMEM;
	if (!name)
		return 0;
	if (add_group(a, primary) < 0)
		return -ENOMEM;
	return vd_host_groups_of(root, name, &a->gids, &a->ngids) == -ENOMEM ? -ENOMEM : 0;
}

/* --- the next start --- */

/* The distribution's pair: the accounts that its packages make. */
static bool default_user(struct vd_root *root, const char **ret_user)
{
	static const char *const users[] = { "libvirt-qemu", "qemu" };
	uid_t uid;

	for (size_t i = 0; i < VD_ARRAY_SIZE(users); i++) {
		if (vd_host_user(root, users[i], &uid, NULL, NULL, NULL) == 0) {
			*ret_user = users[i];
			return true;
		}
	}
	return false;
}

/*
 * Debian's packages give libvirt-qemu's files to the group of that name, Ubuntu's and Arch's to kvm; QEMU is in both,
 * as kvm is the primary group of the account. Elsewhere user and group are called qemu.
 */
static bool default_group(struct vd_root *root, gid_t *ret)
{
	static const char *const groups[] = { "libvirt-qemu", "qemu", "kvm" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(groups); i++)
		if (vd_host_group(root, groups[i], ret, NULL) == 0)
			return true;
	return false;
}

/* The end of each way to an account: @a of @program gets its groups and name, unless @r or @a->known says otherwise. */
static int complete(struct vd_root *root, const char *program, struct vd_account *a, int r,
                    struct vd_account *ret_account)
{
	if (!r && a->known)
		r = add_group(a, a->gid);
	if (!r && a->known)
		r = describe(root, a);
	if (r < 0) {
		vd_account_release(a);
		return r;
	}
	VLOG_DEBUG("%s starts as %s", program, a->known ? a->name : a->why);
	*ret_account = *a;
	return 0;
}

int vd_account_qemu(struct vd_root *root, const struct vd_svirt_settings *settings, struct vd_account *ret_account)
{
	struct vd_account a = { .known = true };
	const char *user = settings->user;
	int r = 0;

	if (!user && !default_user(root, &user))
		r = unknown(&a, "the account that QEMU runs as is not known: neither libvirt-qemu nor qemu is in ",
		            "/etc/passwd, and qemu.conf names no user");
	else if (!find_user(root, user, &a.uid))
		r = unknown(&a, "/etc/passwd has no user of qemu.conf: ", user);
	else if (settings->group && !find_group(root, settings->group, &a.gid))
		r = unknown(&a, "/etc/group has no group of qemu.conf: ", settings->group);
	else if (!settings->group && !default_group(root, &a.gid))
		r = unknown(&a, "the group that QEMU runs as is not known: ",
		            "none of libvirt-qemu, qemu and kvm is in /etc/group");
	return complete(root, "QEMU", &a, r, ret_account);
}

int vd_account_swtpm(struct vd_root *root, const struct vd_svirt_settings *settings, struct vd_account *ret_account)
{
	static const char usual[] = "tss";
	const char *user = settings->swtpm_user, *group = settings->swtpm_group;
	struct vd_account a = { .known = true };
	int r = 0;

	if (!find_user(root, user ? user : usual, &a.uid) && user)
		r = unknown(&a, "/etc/passwd has no swtpm_user of qemu.conf: ", user);
	else if (!find_group(root, group ? group : usual, &a.gid) && group)
		r = unknown(&a, "/etc/group has no swtpm_group of qemu.conf: ", group);
	a.override = a.known && a.uid == 0;
	return complete(root, "swtpm", &a, r, ret_account);
}

/* A copy of what is known. Returns 0 or -ENOMEM. */
static int copy_account(const struct vd_account *from, struct vd_account *ret)
{
	struct vd_account a = *from;

	a.why = NULL;
	a.name = strdup(from->name);
	a.gids = calloc(from->ngids ? from->ngids : 1, sizeof(*a.gids));
	if (!a.name || !a.gids) {
		vd_account_release(&a);
		return -ENOMEM;
	}
	memcpy(a.gids, from->gids, from->ngids * sizeof(*a.gids));
	*ret = a;
	return 0;
}

int vd_account_label(struct vd_root *root, const struct vd_account *base, const char *label,
                     struct vd_account *ret_account)
{
	const char *colon = label ? strchr(label, ':') : NULL;
	VD_AUTO_FREE char *user = NULL;
	struct vd_account a = { .known = true, .gid = base->gid };
	int r = 0;

	if (!label)
		return copy_account(base, ret_account);
	user = strndup(label, colon ? (size_t)(colon - label) : strlen(label));
	if (!user)
		return -ENOMEM;
	if (!find_user(root, user, &a.uid))
		r = unknown(&a, "no such user, of the guest's dac label: ", label);
	else if (colon && colon[1] && !find_group(root, colon + 1, &a.gid))
		r = unknown(&a, "no such group, of the guest's dac label: ", label);
	return complete(root, "QEMU of this guest", &a, r, ret_account);
}

int vd_account_user(struct vd_root *root, uid_t uid, struct vd_account *ret_account)
{
	struct vd_account a = { .known = true, .uid = uid };
	int r = describe(root, &a);

	if (!r && !a.ngids)
		r = unknown(&a, "/etc/passwd does not have the user of the session: ", a.name);
	else if (!r)
		a.gid = a.gids[0];
	if (r < 0) {
		vd_account_release(&a);
		return r;
	}
	*ret_account = a;
	return 0;
}

/* --- the running process --- */

/* The value of a line "KEY:\tVALUE", NULL without one. */
static const char *field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += *line == '\n') {
		if (!strncmp(line, key, len) && line[len] == ':')
			return line + len + 1;
		line += strcspn(line, "\n");
	}
	return NULL;
}

/* The next number of a line at *@p. False at its end. */
static bool next_number(const char **p, uint32_t *ret)
{
	unsigned long long n;
	char *end;

	*p += strspn(*p, " \t");
	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	n = strtoull(*p, &end, 10);
	*p = end;
	*ret = (uint32_t)n;
	return !errno && n <= UINT32_MAX;
}

/* Real, effective, saved and file system id: the last is what the kernel asks for. */
static bool fourth_number(const char *p, uint32_t *ret)
{
	for (unsigned i = 0; i < 4; i++)
		if (!p || !next_number(&p, ret))
			return false;
	return true;
}

int vd_account_parse_status(const char *text, struct vd_account *ret_account)
{
	const char *groups = field(text, "Groups"), *caps = field(text, "CapEff");
	struct vd_account a = { .known = true };
	char number[16];
	uint32_t gid;
	int r;

	if (!fourth_number(field(text, "Uid"), &a.uid) || !fourth_number(field(text, "Gid"), &a.gid) || !groups)
		return -EBADMSG;
	r = add_group(&a, a.gid);
	while (!r && next_number(&groups, &gid))
		r = add_group(&a, gid);
	if (caps)
		a.override = strtoull(caps, NULL, 16) >> CAP_DAC_OVERRIDE & 1;
	snprintf(number, sizeof(number), "%lu", (unsigned long)a.uid);
	a.name = strdup(number);
	if (r < 0 || !a.name) {
		vd_account_release(&a);
		return -ENOMEM;
	}
	*ret_account = a;
	return 0;
}

int vd_account_process(struct vd_root *root, pid_t pid, struct vd_account *ret_account)
{
	struct vd_account a = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	VD_AUTO_FREE char *name = NULL;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	r = vd_root_read(root, path, VD_MAX_CGROUP, &text, NULL);
	if (!r)
		r = vd_account_parse_status(vd_buf_str(&text), &a);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		r = unknown(&a, "who the guest's process is cannot be read: ", path);
		*ret_account = a;
		return r;
	}
	r = vd_host_user_by_uid(root, a.uid, &name, NULL, NULL, NULL);
	if (r == -ENOMEM) {
		vd_account_release(&a);
		return r;
	}
	if (name) {
		free(a.name);
		a.name = vd_steal(name);
	}
	*ret_account = a;
	return 0;
}
