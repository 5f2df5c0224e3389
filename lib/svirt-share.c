/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt-share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.share");

/* So many files are looked at to learn which boot libvirt thinks it is. */
#define MAX_NOTES 16

/* What makes two paths the same file: device and inode, the number of a device node, or, in a capture, the real path.
 */
struct key {
	uint64_t a, b;
	const char *path; /* NULL: @a and @b are all */
};

struct use {
	struct key key;
	char *real; /* owned; what key.path points to, unless that is the expectation's own */
	uint64_t hash;
	size_t guest, item;
	size_t next; /* the next use in the bucket, 1-based; 0: none */
};

/* The categories of a running guest, to be compared with many others. */
struct twin {
	bool has;
	char sens[16];
	struct vd_catset set;
	uint64_t hash;
};

/* The directory that was resolved last. */
struct last_dir {
	char *path, *real; /* owned */
};

struct vd_share {
	struct vd_root *root;
	const struct vd_guests *guests;
	struct vd_expects *expects; /* one for each guest */
	bool *has;
	struct twin *twins; /* one for each guest */
	size_t **use_of;    /* for each file of each guest the index of its use, 1-based; 0: none */
	struct last_dir *last;
	struct use *uses;
	size_t n_uses, cap;
	size_t *buckets; /* 1-based indices of uses */
	size_t n_buckets;
};

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static uint64_t key_hash(const struct key *key)
{
	return mix(key->path ? vd_hash(VD_HASH_START, key->path, strlen(key->path)) : key->a * 31 + key->b);
}

static bool key_equal(const struct key *x, const struct key *y)
{
	if (!x->path != !y->path)
		return false;
	return x->path ? !strcmp(x->path, y->path) : x->a == y->a && x->b == y->b;
}

/*
 * The real path of @path in a capture. The files of guests are often in one directory: that is resolved once. NULL when
 * it cannot be resolved.
 */
static char *real_path(const struct vd_share *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	VD_AUTO_BUF joined = VD_BUF_INIT;
	struct vd_stat st;
	char *real = NULL;
	size_t len;

	if (!slash || slash == path || vd_root_lstat(s->root, path, &st, NULL) < 0 || st.type == VD_FILE_LNK)
		return vd_root_realpath(s->root, path, &real, NULL) == 0 ? real : NULL;
	len = (size_t)(slash - path);
	if (!s->last->path || strncmp(s->last->path, path, len) != 0 || s->last->path[len]) {
		free(s->last->path);
		free(s->last->real);
		s->last->real = NULL;
		s->last->path = strndup(path, len);
		if (!s->last->path || vd_root_realpath(s->root, s->last->path, &s->last->real, NULL) < 0)
			s->last->real = NULL;
	}
	if (!s->last->real || vd_buf_adds(&joined, strcmp(s->last->real, "/") ? s->last->real : "") < 0 ||
	    vd_buf_adds(&joined, slash) < 0)
		return NULL;
	return vd_buf_steal(&joined);
}

/*
 * The key of @expect. *@ret_real is memory that the key points to, which the caller frees. False: nothing to share, as
 * with a socket or directory, or a node in a guest's own /dev.
 */
static bool make_key(const struct vd_share *s, const struct vd_expect *expect, struct key *ret_key, char **ret_real)
{
	struct vd_stat st;
	int r;

	*ret_real = NULL;
	if (!expect->path || expect->network || expect->role == VD_ROLE_FILESYSTEM)
		return false;
	*ret_key = (struct key){ .path = expect->path };
	if (!vd_root_is_live(s->root)) {
		*ret_real = real_path(s, expect->path);
		if (*ret_real)
			ret_key->path = *ret_real;
		return true;
	}
	r = vd_root_stat(s->root, expect->path, &st, NULL);
	if (r < 0)
		return true;
	if (st.type == VD_FILE_BLK)
		*ret_key = (struct key){ .a = UINT64_MAX, .b = st.rdev };
	else if (st.type == VD_FILE_REG)
		*ret_key = (struct key){ .a = st.dev, .b = st.ino };
	else
		return false;
	return true;
}

static bool runs(const struct vd_guest *guest)
{
	return guest && guest->state == VD_GUEST_RUNNING;
}

/* The categories of the process of a running guest; none when it has none of its own. */
static struct twin live_categories(const struct vd_guest *guest)
{
	const struct vd_seclabel *label =
	        runs(guest) && guest->status ? vd_domain_seclabel(guest->status, "selinux") : NULL;
	struct twin t = { 0 };
	struct vd_context c = { 0 };

	if (!label || !label->label)
		return t;
	t.has = vd_context_parse(label->label, &c) == 0 && c.range && vd_range_parse(c.range, t.sens, &t.set) == 0 &&
	        !vd_catset_empty(&t.set);
	vd_context_release(&c);
	for (size_t i = 0; t.has && i < VD_ARRAY_SIZE(t.set.bits); i++)
		t.hash = mix(t.hash + t.set.bits[i]);
	return t;
}

static int add_use(struct vd_share *s, size_t guest, size_t item)
{
	const struct vd_expect *e = &s->expects[guest].items[item];
	struct key key;
	char *real;

	if (!make_key(s, e, &key, &real))
		return 0;
	if (s->n_uses == s->cap) {
		size_t want = s->cap ? s->cap * 2 : 64;
		struct use *grown = reallocarray(s->uses, want, sizeof(*grown));

		if (!grown) {
			free(real);
			return -ENOMEM;
		}
		s->uses = grown;
		s->cap = want;
	}
	s->use_of[guest][item] = s->n_uses + 1;
	s->uses[s->n_uses++] = (struct use){
		.key = key,
		.real = real,
		.hash = key_hash(&key),
		.guest = guest,
		.item = item,
	};
	return 0;
}

static int make_buckets(struct vd_share *s)
{
	s->n_buckets = 16;
	while (s->n_buckets < s->n_uses * 2)
		s->n_buckets *= 2;
	s->buckets = calloc(s->n_buckets, sizeof(*s->buckets));
	if (!s->buckets)
		return -ENOMEM;
	/* Backwards, so that a bucket lists its uses in the order of the guests. */
	for (size_t i = s->n_uses; i > 0; i--) {
		size_t *head = &s->buckets[s->uses[i - 1].hash & (s->n_buckets - 1)];

		s->uses[i - 1].next = *head;
		*head = i;
	}
	return 0;
}

/*
 * Images are asked for when their chain is followed and again for their key. Those of a capture are only held when
 * there may be a chain: without, one look in their directory is enough.
 */
static void hold_images(struct vd_root *root, const struct vd_domain *domain)
{
	bool live = vd_root_is_live(root);

	for (size_t i = 0; i < domain->n_resources; i++) {
		const struct vd_source *source = domain->resources[i].source;

		if (source && source->path && (source->type == VD_SOURCE_FILE || source->type == VD_SOURCE_BLOCK) &&
		    (live || !source->format || strcmp(source->format, "raw") != 0))
			vd_root_hold(root, source->path);
	}
}

int vd_share_new(struct vd_root *root, const struct vd_guests *guests, const struct vd_svirt_settings *settings,
                 const char *categories, void (*step)(void *arg, size_t done), void *arg, struct vd_share **ret_share)
{
	VD_AUTO_SHARE struct vd_share *s = calloc(1, sizeof(*s));
	size_t n = guests->len ? guests->len : 1;

	if (!s)
		return -ENOMEM;
	s->root = root;
	s->guests = guests;
	s->expects = calloc(n, sizeof(*s->expects));
	s->has = calloc(n, sizeof(*s->has));
	s->twins = calloc(n, sizeof(*s->twins));
	s->use_of = calloc(n, sizeof(*s->use_of));
	s->last = calloc(1, sizeof(*s->last));
	if (!s->expects || !s->has || !s->twins || !s->use_of || !s->last)
		return -ENOMEM;
	for (size_t i = 0; i < guests->len; i++) {
		const struct vd_domain *domain = vd_guest_domain(&guests->items[i]);
		int r;

		hold_images(root, domain);
		r = vd_svirt_expect(root, domain, settings, categories, &s->expects[i], NULL);
		if (step)
			step(arg, i);
		s->has[i] = r == 0;
		s->twins[i] = live_categories(&guests->items[i]);
		if (s->has[i] && s->expects[i].len) {
			s->use_of[i] = calloc(s->expects[i].len, sizeof(**s->use_of));
			if (!s->use_of[i])
				return -ENOMEM;
		}
		for (size_t k = 0; s->has[i] && k < s->expects[i].len; k++)
			if (add_use(s, i, k) < 0)
				return -ENOMEM;
		vd_root_let_go(root);
	}
	if (make_buckets(s) < 0)
		return -ENOMEM;
	VLOG_DEBUG("%zu guests use %zu files", guests->len, s->n_uses);
	*ret_share = vd_steal(s);
	return 0;
}

void vd_share_free(struct vd_share *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->has && i < s->guests->len; i++)
		if (s->has[i])
			vd_expects_release(&s->expects[i]);
	for (size_t i = 0; i < s->n_uses; i++)
		free(s->uses[i].real);
	free(s->expects);
	free(s->has);
	for (size_t i = 0; s->use_of && i < s->guests->len; i++)
		free(s->use_of[i]);
	free(s->use_of);
	free(s->twins);
	if (s->last) {
		free(s->last->path);
		free(s->last->real);
	}
	free(s->last);
	free(s->uses);
	free(s->buckets);
	free(s);
}

void vd_share_cleanup(struct vd_share **share)
{
	vd_share_free(*share);
	*share = NULL;
}

const struct vd_expects *vd_share_expects(const struct vd_share *s, size_t index)
{
	return s->has[index] ? &s->expects[index] : NULL;
}

/* Visits the uses of one file. */
struct walk {
	const struct vd_share *share;
	struct key key;
	char *real; /* owned */
	uint64_t hash;
	size_t next;
};

/* The use that @expect, one of the indexed expectations, stands for. NULL: none, or it is not one of them. */
static const struct use *find_use(const struct vd_share *s, const struct vd_guest *guest,
                                  const struct vd_expect *expect, bool *ret_known)
{
	size_t g, item;

	*ret_known = false;
	if (!guest || guest < s->guests->items || guest >= s->guests->items + s->guests->len)
		return NULL;
	g = (size_t)(guest - s->guests->items);
	if (!s->has[g] || expect < s->expects[g].items || expect >= s->expects[g].items + s->expects[g].len)
		return NULL;
	*ret_known = true;
	item = (size_t)(expect - s->expects[g].items);
	return s->use_of[g][item] ? &s->uses[s->use_of[g][item] - 1] : NULL;
}

/* @owner: the guest whose file it is; NULL for XML that is not registered. */
static bool walk_begin(const struct vd_share *s, const struct vd_guest *owner, const struct vd_expect *expect,
                       struct walk *w)
{
	bool known;
	const struct use *use = find_use(s, owner, expect, &known);

	w->share = s;
	w->real = NULL;
	if (use)
		w->key = use->key;
	else if (known || !make_key(s, expect, &w->key, &w->real))
		return false;
	w->hash = use ? use->hash : key_hash(&w->key);
	w->next = s->buckets[w->hash & (s->n_buckets - 1)];
	return true;
}

/* The next use by another guest than @self; NULL at the end. */
static const struct use *walk_next(struct walk *w, const struct vd_guest *self)
{
	while (w->next) {
		const struct use *use = &w->share->uses[w->next - 1];

		w->next = use->next;
		if (use->hash == w->hash && key_equal(&use->key, &w->key) &&
		    &w->share->guests->items[use->guest] != self)
			return use;
	}
	free(w->real);
	w->real = NULL;
	return NULL;
}

static const struct vd_guest *guest_of(const struct vd_share *s, const struct use *use)
{
	return &s->guests->items[use->guest];
}

static const struct vd_expect *expect_of(const struct vd_share *s, const struct use *use)
{
	return &s->expects[use->guest].items[use->item];
}

size_t vd_share_others(const struct vd_share *s, const struct vd_guest *self, const struct vd_expect *expect,
                       struct vd_share_use *ret_uses, size_t max)
{
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++) {
		const struct vd_guest *last = NULL;
		const struct use *use;
		struct walk w;

		if (!walk_begin(s, self, expect, &w))
			return 0;
		while ((use = walk_next(&w, self))) {
			const struct vd_guest *guest = guest_of(s, use);

			/* The uses of one guest follow each other. */
			if (guest == last || runs(guest) != (pass == 0))
				continue;
			last = guest;
			if (n < max)
				ret_uses[n] = (struct vd_share_use){ guest, expect_of(s, use) };
			n++;
		}
	}
	return n;
}

unsigned vd_share_remembered(const struct vd_share *s, const struct vd_guest *guest, const struct vd_expect *expect)
{
	const struct use *use;
	unsigned n = 0;
	struct walk w;

	if (!walk_begin(s, guest, expect, &w))
		return 0;
	while ((use = walk_next(&w, NULL)))
		n += runs(guest_of(s, use)) && expect_of(s, use)->after == VD_AFTER_REMEMBERED;
	return n;
}

void vd_share_boot_times(const struct vd_share *s, struct vd_boot_times *boot)
{
	unsigned looked = 0;

	for (size_t i = 0; i < s->n_uses && looked < MAX_NOTES; i++) {
		const struct vd_expect *e = expect_of(s, &s->uses[i]);
		struct vd_owner_note note;

		if (!runs(guest_of(s, &s->uses[i])) || e->after != VD_AFTER_REMEMBERED)
			continue;
		looked++;
		if (vd_owner_note_read(s->root, e->path, &note) < 0)
			continue;
		vd_boot_times_add(boot, note.stamp);
		vd_owner_note_release(&note);
	}
}

const struct vd_guest *vd_share_twin(const struct vd_share *s, const struct vd_guest *guest)
{
	struct twin mine = live_categories(guest);

	for (size_t i = 0; mine.has && i < s->guests->len; i++) {
		const struct twin *t = &s->twins[i];

		if (&s->guests->items[i] != guest && t->has && t->hash == mine.hash && !strcmp(t->sens, mine.sens) &&
		    vd_catset_equal(&t->set, &mine.set))
			return &s->guests->items[i];
	}
	return NULL;
}

/* Files whose content two guests must not both have a say in. A log, a socket or a node of a device is no such file. */
static bool holds_data(const struct vd_expect *e)
{
	switch (e->role) {
	case VD_ROLE_DISK:
	case VD_ROLE_BACKING:
	case VD_ROLE_CDROM:
	case VD_ROLE_FLOPPY:
	case VD_ROLE_NVRAM:
	case VD_ROLE_DATA_FILE:
		return true;
	default:
		return false;
	}
}

static bool is_shareable(const struct vd_domain *domain, const struct vd_expect *e)
{
	return e->layer == 0 && e->res_index >= 0 && (size_t)e->res_index < domain->n_resources &&
	       domain->resources[e->res_index].shareable;
}

enum clash {
	CLASH_NONE,
	CLASH_READS,  /* the other reads what this one writes */
	CLASH_WRITES, /* the other writes what this one reads */
	CLASH_BOTH,
};

static enum clash find_clash(const struct vd_domain *domain, const struct vd_expect *mine,
                             const struct vd_domain *other_domain, const struct vd_expect *other)
{
	bool w = mine->access == VD_ACCESS_READ_WRITE, ow = other->access == VD_ACCESS_READ_WRITE;

	if (!holds_data(other) || (!w && !ow) || (is_shareable(domain, mine) && is_shareable(other_domain, other)))
		return CLASH_NONE;
	return w && ow ? CLASH_BOTH : w ? CLASH_READS : CLASH_WRITES;
}

static int say_clash(const struct vd_guest *guest, const struct vd_guest *other, const struct vd_expect *expect,
                     enum clash clash, struct vd_file_check *check)
{
	static const char *const words[] = {
		[CLASH_READS] = "reads what this guest writes",
		[CLASH_WRITES] = "writes to what this guest reads",
		[CLASH_BOTH] = "writes to it too",
	};
	const char *name = vd_guest_name(other);
	int r;

	if (runs(guest) && runs(other)) {
		vd_file_drop_fixes(check);
		r = vd_file_verdict(
		        check, VD_FILE_WRONG, VD_REASON_SHARED_RW,
		        "%s (running, as %s) %s: its data get lost, and only the guest that was started last "
		        "has the label for it",
		        name, expect->target, words[clash]);
		check->avoid = "relabelling it, which takes it from the other guest";
		return r;
	}
	/* Not the label is amiss: what was found of that is worth more. */
	if (check->counts_as_problem || check->counts_as_unknown || check->status == VD_FILE_DIFFERS)
		return 0;
	return vd_file_verdict(check, VD_FILE_DIFFERS, VD_REASON_SHARED_RW,
	                       "%s (%s, as %s) %s: the two must never run at the same time", name,
	                       vd_guest_state_text(other), expect->target, words[clash]);
}

int vd_share_judge(const struct vd_share *s, const struct vd_guest *guest, const struct vd_domain *domain,
                   const struct vd_expect *expect, struct vd_file_check *check)
{
	const struct vd_guest *worst = NULL;
	const struct vd_expect *worst_expect = NULL;
	enum clash worst_clash = CLASH_NONE;
	const struct use *use;
	struct walk w;

	if (!holds_data(expect) || check->status == VD_FILE_MISSING || !walk_begin(s, guest, expect, &w))
		return 0;
	while ((use = walk_next(&w, guest))) {
		const struct vd_guest *other = guest_of(s, use);
		enum clash clash = find_clash(domain, expect, vd_guest_domain(other), expect_of(s, use));

		/* A base image that only a guest which is shut off might write to is how templates are used. */
		if (clash == CLASH_NONE || (clash == CLASH_WRITES && !runs(other)))
			continue;
		if (!worst || (runs(other) && !runs(worst)) || (runs(other) == runs(worst) && clash > worst_clash)) {
			worst = other;
			worst_expect = expect_of(s, use);
			worst_clash = clash;
		}
	}
	return worst ? say_clash(guest, worst, worst_expect, worst_clash, check) : 0;
}
