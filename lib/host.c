/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.host");

/* More groups than a process can be in (NGROUPS_MAX): a hostile file must not make us compare for ever. */
#define MAX_GROUPS 65536

/* --- host ------------------------------------------------------------------------------------------------------------
 */

/* The first word of the first of @paths that has one; *@ret stays NULL when none has. */
static int first_word(struct vd_root *root, const char *const *paths, size_t count, char **ret)
{
	VD_AUTO_BUF text = VD_BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		const char *p;

		if (vd_root_read(root, paths[i], 4096, &text, NULL) < 0)
			continue;
		p = vd_buf_str(&text);
		p += strspn(p, " \t\r\n");
		if (!*p)
			continue;
		*ret = strndup(p, strcspn(p, " \t\r\n"));
		return *ret ? 0 : -ENOMEM;
	}
	return 0;
}

static int load_name(struct vd_root *root, struct vd_host *host)
{
	/* The second one is sos's copy of hostname(1). */
	static const char *const paths[] = { "/etc/hostname", "/hostname" };
	struct utsname u;

	if (!vd_root_is_live(root) || vd_root_pid(root))
		return first_word(root, paths, vd_root_is_sosreport(root) ? 2 : 1, &host->name);
	if (uname(&u) < 0)
		return 0;
	host->name = strdup(u.nodename);
	return host->name ? 0 : -ENOMEM;
}

int vd_host_load(struct vd_root *root, struct vd_host *ret_host)
{
	static const char *const machine_id[] = { "/etc/machine-id" };
	struct vd_host host = { .name = NULL };
	int r = load_name(root, &host);

	if (!r)
		r = first_word(root, machine_id, 1, &host.machine_id);
	if (!r)
		r = vd_host_find_version(root, &host.libvirt, &host.libvirt_evidence);
	if (r < 0) {
		vd_host_release(&host);
		return r;
	}
	VLOG_DEBUG("host %s, machine id %s", host.name ? host.name : "unknown",
	           host.machine_id ? host.machine_id : "unknown");
	*ret_host = host;
	return 0;
}

void vd_host_release(struct vd_host *host)
{
	free(host->name);
	free(host->machine_id);
	free(host->libvirt_evidence);
	*host = (struct vd_host){ .name = NULL };
}

/* --- accounts --------------------------------------------------------------------------------------------------------
 */

enum {
	PW_NAME,
	PW_PASSWORD,
	PW_UID,
	PW_GID,
	PW_GECOS,
	PW_HOME,
	PW_FIELDS
};

/* Splits a passwd line in place. False for a comment, a NIS line and anything else that names no account. */
static bool split_account(char *line, char *fields[PW_FIELDS])
{
	for (size_t i = 0; i < PW_FIELDS; i++) {
		char *colon = line ? strchr(line, ':') : NULL;

		if (!line || (i < PW_HOME && !colon))
			return false;
		fields[i] = line;
		if (colon)
			*colon++ = '\0';
		line = colon;
	}
	return *fields[PW_NAME] && *fields[PW_NAME] != '#' && *fields[PW_NAME] != '+' && *fields[PW_NAME] != '-';
}

static bool parse_id(const char *s, uint32_t *ret)
{
	unsigned long long n;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno || *end || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

struct account {
	const char *name; /* wanted; NULL: by uid */
	uid_t uid;
	gid_t gid;
	char *found_name, *home; /* owned */
};

static void account_release(struct account *a)
{
	free(a->found_name);
	free(a->home);
}

/* Looks @a up; @what describes it in the sentence. */
static int find_account(struct vd_root *root, struct account *a, const char *what, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/etc/passwd", VD_MAX_CONF, &text, err);

	if (r < 0)
		return r;
	for (char *line = text.data, *next; line; line = next) {
		char *fields[PW_FIELDS];
		uint32_t uid, gid;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!split_account(line, fields) || !parse_id(fields[PW_UID], &uid) || !parse_id(fields[PW_GID], &gid))
			continue;
		if (a->name ? strcmp(a->name, fields[PW_NAME]) != 0 : a->uid != uid)
			continue;
		a->uid = uid;
		a->gid = gid;
		a->found_name = strdup(fields[PW_NAME]);
		a->home = strdup(fields[PW_HOME]);
		return a->found_name && a->home ? 0
		                                : vd_err_set(err, ENOMEM, "out of memory while reading /etc/passwd");
	}
	return vd_err_set(err, ENOENT, "there is no user %s in '/etc/passwd'", what);
}

int vd_host_user(struct vd_root *root, const char *name, uid_t *ret_uid, gid_t *ret_gid, char **ret_home,
                 struct vd_err *err)
{
	VD_CLEANUP(account_release) struct account a = { .name = name };
	int r = find_account(root, &a, name, err);

	if (r < 0)
		return r;
	if (ret_uid)
		*ret_uid = a.uid;
	if (ret_gid)
		*ret_gid = a.gid;
	if (ret_home)
		*ret_home = vd_steal(a.home);
	return 0;
}

int vd_host_user_by_uid(struct vd_root *root, uid_t uid, char **ret_name, gid_t *ret_gid, char **ret_home,
                        struct vd_err *err)
{
	VD_CLEANUP(account_release) struct account a = { .uid = uid };
	char what[16];
	int r;

	snprintf(what, sizeof(what), "%lu", (unsigned long)uid);
	r = find_account(root, &a, what, err);
	if (r < 0)
		return r;
	if (ret_name)
		*ret_name = vd_steal(a.found_name);
	if (ret_gid)
		*ret_gid = a.gid;
	if (ret_home)
		*ret_home = vd_steal(a.home);
	return 0;
}

/* A line of etc/group, split in place. False when it is none. */
static bool split_group(char *line, char **ret_name, gid_t *ret_gid, char **ret_members)
{
	char *fields[4];
	uint32_t gid;

	for (size_t i = 0; i < VD_ARRAY_SIZE(fields); i++) {
		char *colon = line ? strchr(line, ':') : NULL;

		if (!line || (i < VD_ARRAY_SIZE(fields) - 1 && !colon))
			return false;
		fields[i] = line;
		if (colon)
			*colon++ = '\0';
		line = colon;
	}
	if (!*fields[0] || strchr("#+-", *fields[0]) || !parse_id(fields[2], &gid))
		return false;
	*ret_name = fields[0];
	*ret_gid = gid;
	*ret_members = fields[3];
	return true;
}

int vd_host_group(struct vd_root *root, const char *name, gid_t *ret_gid, struct vd_err *err)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/etc/group", VD_MAX_CONF, &text, err);

	if (r < 0)
		return r;
	for (char *line = text.data, *next; line; line = next) {
		char *group, *members;
		gid_t gid;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!split_group(line, &group, &gid, &members) || strcmp(group, name) != 0)
			continue;
		*ret_gid = gid;
		return 0;
	}
	return vd_err_set(err, ENOENT, "there is no group %s in '/etc/group'", name);
}

static bool is_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = members; *at; at += *at == ',') {
		size_t n = strcspn(at, ",");

		if (n == len && !memcmp(at, name, n))
			return true;
		at += n;
	}
	return false;
}

static int add_gid(gid_t gid, gid_t **gids, size_t *count)
{
	gid_t *grown;

	if (*count >= MAX_GROUPS)
		return 0;
	for (size_t i = 0; i < *count; i++)
		if ((*gids)[i] == gid)
			return 0;
	grown = reallocarray(*gids, *count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*gids = grown;
	grown[(*count)++] = gid;
	return 0;
}

int vd_host_groups_of(struct vd_root *root, const char *name, gid_t **gids, size_t *count)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_root_read(root, "/etc/group", VD_MAX_CONF, &text, NULL);

	for (char *line = text.data, *next; !r && line; line = next) {
		char *group, *members;
		gid_t gid;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (split_group(line, &group, &gid, &members) && is_member(members, name))
			r = add_gid(gid, gids, count);
	}
	return r;
}
