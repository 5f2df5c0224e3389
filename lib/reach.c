/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "reach-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.reach");

/* --- the run --- */

int vd_reach_new(struct vd_root *root, const struct vd_svirt_settings *settings, uid_t session_uid,
                 struct vd_reach **ret_reach)
{
	struct vd_reach *reach = calloc(1, sizeof(*reach));
	int r;

	if (!reach)
		return -ENOMEM;
	reach->root = root;
	reach->settings = settings;
	r = vd_ways_new(root, &reach->ways);
	if (!r)
		r = vd_mount_points_load(root, &reach->points);
	if (!r)
		r = settings->session ? vd_account_user(root, session_uid, &reach->qemu)
		                      : vd_account_qemu(root, settings, &reach->qemu);
	if (!r)
		r = vd_reach_load_daemons(reach);
	if (r < 0) {
		vd_reach_free(reach);
		return r;
	}
	*ret_reach = reach;
	return 0;
}

void vd_reach_free(struct vd_reach *reach)
{
	if (!reach)
		return;
	vd_ways_free(reach->ways);
	vd_mount_points_release(&reach->points);
	vd_account_release(&reach->qemu);
	vd_account_release(&reach->swtpm);
	vd_buf_release(&reach->missing);
	free(reach->virtlogd);
	vd_reach_emulator_release(&reach->emulator);
	free(reach);
}

void vd_reach_cleanup(struct vd_reach **reach)
{
	vd_reach_free(*reach);
}

const struct vd_reach_tally *vd_reach_tally(const struct vd_reach *reach)
{
	return &reach->tally;
}

struct vd_reach_tally vd_reach_since(const struct vd_reach *reach, const struct vd_reach_tally *before)
{
	return (struct vd_reach_tally){
		.files = reach->tally.files - before->files,
		.obstacles = reach->tally.obstacles - before->obstacles,
		.unknown = reach->tally.unknown - before->unknown,
	};
}

bool vd_reach_knows_mounts(const struct vd_reach *reach)
{
	return vd_ways_mounts(reach->ways)->path;
}

const char *vd_reach_missing(const struct vd_reach *reach)
{
	return reach->missing.len ? vd_buf_str(&reach->missing) : NULL;
}

/* The others are mostly of the same kind as the first. */
int vd_reach_note_missing(struct vd_reach *reach, const char *what, const char *why)
{
	reach->file_unknown = true;
	return reach->missing.len ? 0 : vd_buf_addf(&reach->missing, "%s%s", what, why);
}

/* --- who --- */

/* The domain's <seclabel model='dac'>, which must be named: one without a model is the first driver's. */
static const struct vd_seclabel *dac_seclabel(const struct vd_domain *domain)
{
	for (size_t i = 0; i < domain->n_seclabels; i++)
		if (domain->seclabels[i].model && !strcmp(domain->seclabels[i].model, "dac"))
			return &domain->seclabels[i];
	return NULL;
}

int vd_reach_guest(struct vd_reach *reach, const struct vd_domain *domain, const struct vd_file_user *user, pid_t pid,
                   struct vd_reach_guest *ret_guest)
{
	const struct vd_seclabel *dac = dac_seclabel(domain);
	struct vd_reach_guest guest = { .domain = domain, .user = user };
	int r = 0;

	if (user->running && pid > 0)
		r = vd_account_process(reach->root, pid, &guest.account);
	if (!r && !guest.account.known && reach->qemu.known) {
		vd_account_release(&guest.account);
		r = vd_account_label(reach->root, &reach->qemu, dac ? dac->label : NULL, &guest.account);
	}
	if (!r && !guest.account.known && !guest.account.why && reach->qemu.why) {
		guest.account.why = strdup(reach->qemu.why);
		r = guest.account.why ? 0 : -ENOMEM;
	}
	if (r < 0) {
		vd_account_release(&guest.account);
		return r;
	}
	*ret_guest = guest;
	return 0;
}

void vd_reach_guest_release(struct vd_reach_guest *guest)
{
	vd_account_release(&guest->account);
}

/* --- who owns the file when QEMU opens it --- */

static bool kind_is_owned(const struct vd_res *res, const struct vd_expect *e)
{
	switch (res->kind) {
	case VD_RES_DISK:
		return e->role != VD_ROLE_DATA_FILE;
	case VD_RES_GRAPHICS:
		return res->subtype && !strcmp(res->subtype, "rendernode");
	case VD_RES_TPM:
		return res->subtype && !strcmp(res->subtype, "passthrough");
	case VD_RES_KERNEL:
	case VD_RES_INITRD:
	case VD_RES_DTB:
	case VD_RES_SLIC:
	case VD_RES_FWCFG:
	case VD_RES_NVRAM:
	case VD_RES_CHARDEV:
	case VD_RES_HOSTDEV:
	case VD_RES_INPUT:
	case VD_RES_MEMORY:
	case VD_RES_MEMORY_BACKING:
	case VD_RES_SEV:
		return true;
	default:
		return false;
	}
}

/* The <seclabel model='dac'> that counts for @layer of a source: its own, else the top's. */
static const struct vd_dev_seclabel *dac_of(const struct vd_source *source, int layer)
{
	const struct vd_dev_seclabel *found = NULL;

	for (int depth = 0; source && depth <= layer; depth++) {
		if (depth == 0 || depth == layer)
			for (size_t i = 0; i < source->n_seclabels; i++)
				if (source->seclabels[i].model && !strcmp(source->seclabels[i].model, "dac"))
					found = &source->seclabels[i];
		source = source->backing_state == VD_BACKING_GIVEN ? source->backing : NULL;
	}
	return found;
}

bool vd_reach_is_owned(const struct vd_domain *domain, const struct vd_svirt_settings *settings,
                       const struct vd_expect *expect, const char **ret_label)
{
	const struct vd_seclabel *dac = dac_seclabel(domain);
	const struct vd_dev_seclabel *own;
	const struct vd_res *res;

	*ret_label = NULL;
	if (expect->res_index < 0 || settings->session || !settings->dynamic_ownership ||
	    domain->driver != VD_DRIVER_QEMU)
		return false;
	if (dac && (dac->relabel == 0 || (dac->relabel < 0 && dac->type != VD_SECLABEL_DYNAMIC)))
		return false;
	res = &domain->resources[expect->res_index];
	if (!kind_is_owned(res, expect))
		return false;
	own = dac_of(res->source, expect->layer);
	if (own && own->relabel == 0)
		return false;
	if (own && own->label)
		*ret_label = own->label;
	return true;
}

/* --- owner, mode, ACL --- */

/* "mode 0700, owner root" of what refused. */
static int describe_owner(struct vd_reach *reach, const struct vd_stat *st, struct vd_buf *text)
{
	VD_AUTO_FREE char *name = NULL;
	int r = vd_host_user_by_uid(reach->root, st->uid, &name, NULL, NULL, NULL);

	if (r == -ENOMEM)
		return r;
	if (name)
		return vd_buf_addf(text, "mode %04o, owner %s", (unsigned)st->mode, name);
	return vd_buf_addf(text, "mode %04o, owner %lu", (unsigned)st->mode, (unsigned long)st->uid);
}

/* The sentence, the reason and the fix for a refusal. @want: 1 is a directory on the way. */
static int refused(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_node *n,
                   const struct vd_stat *st, const struct vd_acl_verdict *v, unsigned want, struct vd_file_check *c)
{
	const struct vd_account *who = &guest->account;
	bool search = n->st.type == VD_FILE_DIR && want == 1;
	const char *verb = search      ? "search"
	                   : want == 6 ? "read and write"
	                   : want == 2 ? "write"
	                   : want == 1 ? "execute"
	                               : "read";
	const char *program = guest->program ? guest->program : "QEMU";
	VD_AUTO_BUF owner = VD_BUF_INIT;
	int r = describe_owner(reach, st, &owner);

	if (!r && v->masked)
		r = vd_file_also(c, VD_FILE_DENIED, VD_REASON_ACL_MASK,
		                 "the ACL of %s lets %s (user %s) %s it, but the ACL's mask takes that away", n->path,
		                 program, who->name, verb);
	else if (!r)
		r = vd_file_also(c, VD_FILE_DENIED, search ? VD_REASON_DAC_SEARCH : VD_REASON_DAC_FILE,
		                 "%s (user %s) may not %s %s: %s%s%s", program, who->name, verb, n->path,
		                 vd_buf_str(&owner), n->n_acl > 3 ? ", and its ACL does not let it" : "",
		                 st->uid != n->st.uid ? " once libvirt has given it to that user" : "");
	reach->tally.obstacles++;
	if (!c->avoid)
		c->avoid = search ? "chmod 777, or QEMU as root (user in qemu.conf)"
		                  : "chmod 666, or QEMU as root (user in qemu.conf)";
	return r ? r : vd_fix_dac(c, n, v, who, want);
}

int vd_reach_node(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_node *n,
                  const struct vd_stat *st, unsigned want, struct vd_file_check *c)
{
	struct vd_acl_who who = vd_account_who(&guest->account);
	struct vd_acl_verdict v;

	/* The top of a capture without a manifest is a directory of whoever unpacked it. */
	if (!n->path[1] && !vd_root_is_live(reach->root) && !vd_root_has_manifest(reach->root))
		return 0;
	if (n->code < 0 || !n->st.has_owner)
		return vd_reach_note_missing(reach, "owner and mode are not known of ", n->path);
	if (n->acl_code < 0 && n->acl_code != -ENODATA && n->acl_code != -EOPNOTSUPP)
		return vd_reach_note_missing(reach, "the ACL is not known of ", n->path);
	v = vd_acl_check(st, n->acl, n->n_acl, &who, want);
	if (v.allowed)
		return 0;
	if (n->acl_code == -EOPNOTSUPP)
		return vd_reach_note_missing(reach, "only the NFS server knows who may use ", n->path);
	return refused(reach, guest, n, st, &v, want, c);
}

/* What QEMU must be allowed on the file; 0: it does not open it by name. */
static unsigned wanted(const struct vd_expect *e, enum vd_file_type type)
{
	switch (type) {
	case VD_FILE_SOCK:
		return 2;
	case VD_FILE_DIR:
		return 5;
	default:
		return e->access == VD_ACCESS_READ_WRITE ? 6 : 4;
	}
}

/*
 * The owner that the file has when QEMU opens it. libvirt passes over a refused chown(2) (EPERM, EROFS, EOPNOTSUPP), so
 * where it has no effect the owner of now counts. *@ret_doubtful: an NFS server may refuse (root_squash).
 */
static struct vd_stat owner_then(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                                 const struct vd_node *n, bool *ret_doubtful)
{
	const struct vd_mount *m = n->mount;
	VD_AUTO_FREE char *ro = m ? vd_mount_option(m, "ro") : NULL;
	struct vd_account given = { 0 };
	struct vd_stat st = n->st;
	const char *label;

	*ret_doubtful = false;
	if (guest->user->running || !vd_reach_is_owned(guest->domain, reach->settings, e, &label))
		return st;
	if (ro || (m && vd_fstype_has_fixed_owners(m->fstype)))
		return st;
	*ret_doubtful = m && m->fstype && !strncmp(m->fstype, "nfs", 3);
	st.uid = guest->account.uid;
	st.gid = guest->account.gid;
	if (label && vd_account_label(reach->root, &guest->account, label, &given) == 0 && given.known) {
		st.uid = given.uid;
		st.gid = given.gid;
	}
	vd_account_release(&given);
	return st;
}

static int check_file_owner(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                            const struct vd_node *n, struct vd_file_check *c)
{
	struct vd_acl_who who = vd_account_who(&guest->account);
	bool doubtful = false;
	struct vd_stat st = owner_then(reach, guest, e, n, &doubtful);
	unsigned want = wanted(e, n->st.type);

	/* On NFS the owner of now is enough; the one that chown(2) would make is a guess. */
	if (doubtful && n->st.has_owner && !vd_acl_check(&n->st, n->acl, n->n_acl, &who, want).allowed)
		return vd_reach_note_missing(
		        reach,
		        "whether the NFS server lets libvirt give the guest's files to QEMU (no root_squash) "
		        "cannot be told: ",
		        n->path);
	return vd_reach_node(reach, guest, n, &st, want, c);
}

/* Does QEMU itself open the file, as its own user? */
static bool opened_by_qemu(const struct vd_reach_guest *guest, const struct vd_expect *e)
{
	const struct vd_res *res = e->res_index < 0 ? NULL : &guest->domain->resources[e->res_index];

	if (guest->domain->driver != VD_DRIVER_QEMU || e->access == VD_ACCESS_DAEMON || !res || e->daemon_creates)
		return false;
	/* virtiofsd is started as root; swtpm has a user of its own, to whom libvirt gives its files. */
	if (res->kind == VD_RES_FILESYSTEM)
		return !res->subtype || strcmp(res->subtype, "virtiofs") != 0;
	if (res->kind == VD_RES_TPM)
		return res->subtype && !strcmp(res->subtype, "passthrough");
	/* libvirt makes a server's socket and passes it on. */
	return res->kind != VD_RES_MEMORY_BACKING && res->kind != VD_RES_SEV && res->kind != VD_RES_SMARTCARD &&
	       !(res->kind == VD_RES_CHARDEV && res->subtype && !strcmp(res->subtype, "file"));
}

static int check_dac(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                     const struct vd_way *way, struct vd_file_check *c)
{
	int r = 0;

	if (e->res_index >= 0 && guest->domain->resources[e->res_index].kind == VD_RES_TPM)
		r = vd_reach_tpm(reach, guest, e, way, c);
	if (r < 0 || !opened_by_qemu(guest, e) || guest->account.override)
		return r;
	if (!guest->account.known)
		return vd_reach_note_missing(reach, guest->account.why ? guest->account.why : "", "");
	for (size_t i = 0; i < way->len && !r; i++)
		r = vd_reach_node(reach, guest, way->dirs[i], &way->dirs[i]->st, 1, c);
	if (!r && way->end)
		r = check_file_owner(reach, guest, e, way->end, c);
	return r;
}

/* --- all together --- */

static int check_all(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *e,
                     struct vd_file_check *c)
{
	VD_CLEANUP(vd_way_release) struct vd_way way = { 0 };
	int r = vd_ways_walk(reach->ways, e->path, &way);

	if (r < 0)
		return r;
	if (c->status == VD_FILE_MISSING)
		r = vd_reach_missing_mount(reach, e, &way, c);
	else if (!way.end && way.code != -ENOENT && opened_by_qemu(guest, e))
		return vd_reach_note_missing(reach, "the way could not be followed beyond ",
		                             way.stop ? way.stop : e->path);
	/* A log that is not there yet must be made: its directory counts. */
	if (!way.end)
		return r || e->access != VD_ACCESS_DAEMON ? r : vd_reach_policy(reach, guest, e, &way, c);
	if (c->status == VD_FILE_MISSING)
		return r;
	r = vd_reach_mount(reach, guest, e, &way, c);
	if (!r)
		r = check_dac(reach, guest, e, &way, c);
	return r ? r : vd_reach_policy(reach, guest, e, &way, c);
}

int vd_reach_check(struct vd_reach *reach, const struct vd_reach_guest *guest, const struct vd_expect *expect,
                   struct vd_file_check *check)
{
	unsigned before = reach->tally.obstacles;
	int r;

	/* libvirt makes the nodes of a private /dev itself, with the owner and label that they need. */
	if (!expect->path || expect->path[0] != '/' || expect->network || expect->private_dev)
		return 0;
	reach->file_unknown = false;
	r = check_all(reach, guest, expect, check);
	reach->tally.files++;
	if (reach->file_unknown)
		reach->tally.unknown++;
	VLOG_DEBUG("%s: %u obstacles%s", expect->path, reach->tally.obstacles - before,
	           reach->file_unknown ? ", not everything is known" : "");
	return r;
}
