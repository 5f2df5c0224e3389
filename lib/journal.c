/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* systemd's Journal File Format: "Header". */
#define SIGNATURE     "LPKSHHRH"
#define SIGNATURE_LEN 8

bool vd_journal_is_file(int fd)
{
	char head[SIGNATURE_LEN];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) && memcmp(head, SIGNATURE, sizeof(head)) == 0;
}

#ifdef VD_WITH_SYSTEMD

#include <dlfcn.h>
#include <systemd/sd-journal.h>

#include "daemon.h"

/* Files of a journal that are opened at most: a machine has some dozens. */
#define MAX_FILES 1000

/*
 * Loaded when a journal is read for the first time: with all that it needs itself, linking it would cost every start of
 * the program a fifth more.
 */
#define FUNCTIONS(X)          \
	X(open_files_fd)      \
	X(close)              \
	X(add_match)          \
	X(add_disjunction)    \
	X(set_data_threshold) \
	X(seek_head)          \
	X(seek_tail)          \
	X(seek_realtime_usec) \
	X(seek_cursor)        \
	X(test_cursor)        \
	X(get_cursor)         \
	X(next)               \
	X(previous_skip)      \
	X(get_data)           \
	X(get_realtime_usec)

#define DECLARE(NAME) __typeof__(&sd_journal_##NAME) NAME;
static struct {
	FUNCTIONS(DECLARE)
	bool loaded;
} sd;

static int load_library(struct vd_err *err)
{
	void *library;

	if (sd.loaded)
		return 0;
	library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return vd_err_set(err, EOPNOTSUPP, "the journal cannot be read: libsystemd.so.0 is not installed");
/* Through a pointer to the pointer, as POSIX has it: ISO C knows no other way from an object to a function. */
#define LOAD(NAME) *(void **)&sd.NAME = dlsym(library, "sd_journal_" #NAME);
	FUNCTIONS(LOAD)
#define MISSING(NAME) || !sd.NAME
	if (false FUNCTIONS(MISSING)) {
		dlclose(library);
		return vd_err_set(err, EOPNOTSUPP, "the journal cannot be read: this libsystemd.so.0 is too old");
	}
	sd.loaded = true;
	return 0;
}

struct vd_journal {
	sd_journal *journal;
	int *fds;                                           /* owned */
	size_t n_fds;                                       /* of those that libsystemd does not close */
	bool audit;                                         /* the fields of audit records are wanted */
	bool at_next;                                       /* the entry to be read next is the current one */
	bool is_incomplete;                                 /* a file was left out that is just being made */
	struct vd_err why;                                  /* another file was left out; owned */
	struct vd_buf message, category, function, program; /* of the entry: libsystemd's own memory does not last */
};

/* A longer message is cut. */
#define MAX_FIELD (1u << 20)

void vd_journal_free(struct vd_journal *journal)
{
	if (!journal)
		return;
	if (journal->journal)
		sd.close(journal->journal);
	for (size_t i = 0; i < journal->n_fds; i++)
		close(journal->fds[i]);
	free(journal->fds);
	vd_buf_release(&journal->message);
	vd_buf_release(&journal->category);
	vd_buf_release(&journal->function);
	vd_buf_release(&journal->program);
	vd_err_release(&journal->why);
	free(journal);
}

static void journal_cleanup(struct vd_journal **journal)
{
	vd_journal_free(*journal);
}

static const char *const tops[] = { "/var/log/journal", "/run/log/journal" };

static bool is_journal_file(const char *name)
{
	const char *suffix = strstr(name, ".journal");

	/* system.journal, system@0005...journal, and what is left of an unclean end: ....journal~ */
	return suffix && (!strcmp(suffix, ".journal") || !strcmp(suffix, ".journal~"));
}

/* Open the files in @dir. One that cannot be read is left out; *@ret_why remembers it. */
static int open_files(struct vd_root *root, struct vd_journal *journal, const char *dir, struct vd_err *why)
{
	VD_AUTO_STRV names = VD_STRV_INIT;

	if (vd_root_list(root, dir, &names, why) < 0)
		return 0;
	for (size_t i = 0; i < names.len && journal->n_fds < MAX_FILES; i++) {
		VD_AUTO_BUF path = VD_BUF_INIT;
		int fd;

		if (!is_journal_file(names.items[i]))
			continue;
		if (vd_buf_addf(&path, "%s/%s", dir, names.items[i]) < 0)
			return -ENOMEM;
		if (vd_root_open_file(root, path.data, &fd, why) == 0)
			journal->fds[journal->n_fds++] = fd;
	}
	return 0;
}

/* Each machine id has a directory of its own. */
static int open_all(struct vd_root *root, struct vd_journal *journal, struct vd_err *why)
{
	journal->fds = calloc(MAX_FILES, sizeof(*journal->fds));
	if (!journal->fds)
		return -ENOMEM;
	for (size_t t = 0; t < VD_ARRAY_SIZE(tops); t++) {
		VD_AUTO_STRV names = VD_STRV_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		if (vd_root_list(root, tops[t], &names, &err) < 0) {
			if (err.code != ENOENT)
				vd_err_set(why, err.code, "%s", vd_err_text(&err));
			continue;
		}
		for (size_t i = 0; i < names.len; i++) {
			VD_AUTO_BUF dir = VD_BUF_INIT;

			if (vd_buf_addf(&dir, "%s/%s", tops[t], names.items[i]) < 0 ||
			    open_files(root, journal, dir.data, why) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* libvirt's own protocol has neither program nor unit of its own choice: the kernel's name of the process counts. */
static int match_daemons(sd_journal *journal)
{
	int r = 0;

	for (size_t i = 0; vd_daemon_names[i] && r >= 0; i++) {
		char match[64];
		/* The kernel cuts names. */
		int n = snprintf(match, sizeof(match), "_COMM=%.15s", vd_daemon_names[i]);

		r = sd.add_match(journal, match, (size_t)n);
		if (r >= 0) {
			n = snprintf(match, sizeof(match), "SYSLOG_IDENTIFIER=%s", vd_daemon_names[i]);
			r = sd.add_disjunction(journal);
		}
		if (r >= 0)
			r = sd.add_match(journal, match, (size_t)n);
		if (r >= 0)
			r = sd.add_disjunction(journal);
	}
	return r;
}

static int match_audit(sd_journal *journal)
{
	return sd.add_match(journal, "_TRANSPORT=audit", 0);
}

static int match_kernel(sd_journal *journal)
{
	return sd.add_match(journal, "_TRANSPORT=kernel", 0);
}

/*
 * Open the files at once. libsystemd refuses all for one that is damaged, or that journald has made but not written to:
 * such are left out, as journalctl does. The error is that of the last of them when none is left.
 */
static int open_fds(struct vd_journal *journal)
{
	size_t kept = 0;
	int r = sd.open_files_fd(&journal->journal, journal->fds, (unsigned)journal->n_fds, 0), error = r;

	for (size_t i = 0; r < 0 && i < journal->n_fds; i++) {
		sd_journal *one = NULL;
		int copy = dup(journal->fds[i]), n = copy < 0 ? -errno : sd.open_files_fd(&one, &copy, 1, 0);

		if (n >= 0) {
			sd.close(one);
			journal->fds[kept++] = journal->fds[i];
			continue;
		}
		error = n;
		journal->is_incomplete |= n == -ENODATA;
		if (n != -ENODATA)
			vd_err_set(&journal->why, -n, "a file of the journal cannot be read: %s", strerror(-n));
		if (copy >= 0)
			close(copy);
		close(journal->fds[i]);
	}
	if (r < 0) {
		journal->n_fds = kept;
		r = kept ? sd.open_files_fd(&journal->journal, journal->fds, (unsigned)kept, 0) : error;
	}
	/* When it can read them it closes them, too. */
	if (r >= 0)
		journal->n_fds = 0;
	return r;
}

/* Have @journal, whose files are open, stand before the first entry that @match lets through. */
static int begin(struct vd_journal *journal, int (*match)(sd_journal *journal))
{
	int r = open_fds(journal);

	if (r >= 0)
		r = match(journal->journal);
	if (r >= 0)
		r = sd.set_data_threshold(journal->journal, MAX_FIELD);
	if (r >= 0)
		r = sd.seek_head(journal->journal);
	return r;
}

int vd_journal_open_file(int fd, const char *name, struct vd_journal **ret_journal, struct vd_err *err)
{
	VD_CLEANUP(journal_cleanup) struct vd_journal *journal = calloc(1, sizeof(*journal));
	int r;

	r = load_library(err);
	if (r < 0)
		return r;
	if (journal)
		journal->fds = calloc(1, sizeof(*journal->fds));
	if (!journal || !journal->fds)
		return vd_err_set(err, ENOMEM, "no memory to read %s", name);
	journal->fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (journal->fds[0] < 0)
		return vd_err_set(err, errno, "cannot read %s: %s", name, strerror(errno));
	journal->n_fds = 1;
	r = begin(journal, match_daemons);
	if (r < 0)
		return vd_err_set(err, -r, "cannot read the journal file %s: %s", name, strerror(-r));
	*ret_journal = vd_steal(journal);
	return 0;
}

static int open_matching(struct vd_root *root, int (*match)(sd_journal *journal), struct vd_journal **ret_journal,
                         struct vd_err *err)
{
	VD_CLEANUP(journal_cleanup) struct vd_journal *journal = calloc(1, sizeof(*journal));
	VD_AUTO_ERR why = VD_ERR_INIT;
	int r;

	r = load_library(err);
	if (r < 0)
		return r;
	if (!journal || open_all(root, journal, &why) < 0)
		return vd_err_set(err, ENOMEM, "no memory to read the journal");
	if (!journal->n_fds)
		return why.code
		               ? vd_err_set(err, why.code, "cannot read the journal: %s", vd_err_text(&why))
		               : vd_err_set(err, ENOENT, "there is no journal in /var/log/journal or /run/log/journal");
	r = begin(journal, match);
	if (r < 0)
		return vd_err_set(err, -r, "cannot read the journal: %s", strerror(-r));
	journal->audit = match == match_audit;
	*ret_journal = vd_steal(journal);
	return 0;
}

int vd_journal_open(struct vd_root *root, struct vd_journal **ret_journal, struct vd_err *err)
{
	return open_matching(root, match_daemons, ret_journal, err);
}

int vd_journal_open_audit(struct vd_root *root, enum vd_journal_audit way, struct vd_journal **ret_journal,
                          struct vd_err *err)
{
	return open_matching(root, way == VD_JOURNAL_AUDIT ? match_audit : match_kernel, ret_journal, err);
}

/* Have @journal stand behind the entry at @cursor, or where it would be when it was vacuumed away. */
static int go_behind(struct vd_journal *journal, const char *cursor)
{
	int r = sd.seek_cursor(journal->journal, cursor);

	if (r >= 0)
		r = sd.next(journal->journal);
	if (r > 0)
		journal->at_next = sd.test_cursor(journal->journal, cursor) == 0;
	return r < 0 ? r : 0;
}

int vd_journal_reopen(struct vd_journal *journal, struct vd_root *root, struct vd_err *err)
{
	VD_CLEANUP(journal_cleanup) struct vd_journal *fresh = NULL;
	VD_AUTO_FREE char *cursor = NULL;
	struct vd_journal old;
	int r = vd_journal_open(root, &fresh, err);

	if (r < 0)
		return r;
	/* Where nothing was read yet there was nothing to read: all is new. */
	if (sd.get_cursor(journal->journal, &cursor) >= 0) {
		r = go_behind(fresh, cursor);
		if (r < 0)
			return vd_err_set(err, -r, "cannot read the journal: %s", strerror(-r));
		fresh->at_next |= journal->at_next;
	}
	old = *journal;
	*journal = *fresh;
	*fresh = old;
	return 0;
}

bool vd_journal_is_incomplete(const struct vd_journal *journal)
{
	return journal->is_incomplete;
}

const struct vd_err *vd_journal_problem(const struct vd_journal *journal)
{
	return journal->why.code ? &journal->why : NULL;
}

int vd_journal_dirs(struct vd_root *root, struct vd_strv *dirs)
{
	for (size_t t = 0; t < VD_ARRAY_SIZE(tops); t++) {
		VD_AUTO_STRV names = VD_STRV_INIT;
		VD_AUTO_BUF dir = VD_BUF_INIT;

		if (vd_strv_add(dirs, tops[t]) < 0)
			return -ENOMEM;
		if (vd_root_list(root, tops[t], &names, NULL) < 0)
			continue;
		for (size_t i = 0; i < names.len; i++) {
			vd_buf_clear(&dir);
			if (vd_buf_addf(&dir, "%s/%s", tops[t], names.items[i]) < 0 || vd_strv_add(dirs, dir.data) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int vd_journal_seek_last(struct vd_journal *journal, uint64_t count)
{
	int r = sd.seek_tail(journal->journal);

	/* One more: that is the one before what is read next. */
	if (r >= 0)
		r = sd.previous_skip(journal->journal, count + 1);
	if (r >= 0 && (uint64_t)r <= count)
		r = sd.seek_head(journal->journal);
	return r < 0 ? r : 0;
}

int vd_journal_seek(struct vd_journal *journal, int64_t time)
{
	return sd.seek_realtime_usec(journal->journal, time < 0 ? 0 : (uint64_t)time);
}

/* The value of field @name, in memory of libsystemd's that the next call may reuse. */
static const char *field(sd_journal *journal, const char *name, size_t *ret_len)
{
	size_t len, prefix = strlen(name) + 1;
	const void *data;

	*ret_len = 0;
	if (sd.get_data(journal, name, &data, &len) < 0 || len < prefix)
		return NULL;
	*ret_len = len - prefix;
	return (const char *)data + prefix;
}

/* The same, kept in @buf. NULL: there is none, or no memory. */
static const char *keep(sd_journal *journal, const char *name, struct vd_buf *buf, size_t *ret_len)
{
	const char *s = field(journal, name, ret_len);

	vd_buf_clear(buf);
	if (!s || vd_buf_add(buf, s, *ret_len) < 0)
		return NULL;
	return buf->data;
}

static uint64_t long_number(sd_journal *journal, const char *name, size_t digits, uint64_t fallback)
{
	size_t len;
	const char *s = field(journal, name, &len);
	uint64_t n = 0;

	if (!s || !len || len > digits)
		return fallback;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return fallback;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	return n;
}

static unsigned number(sd_journal *journal, const char *name, unsigned fallback)
{
	return (unsigned)long_number(journal, name, 9, fallback);
}

int vd_journal_next(struct vd_journal *journal, struct vd_journal_entry *ret_entry)
{
	/* Of syslog's eight levels libvirt uses four. */
	static const unsigned levels[] = { 4, 4, 4, 4, 3, 2, 2, 1, 0 };
	sd_journal *j = journal->journal;
	uint64_t time = 0;
	unsigned priority;
	int r = journal->at_next ? 1 : sd.next(j);

	journal->at_next = false;
	if (r <= 0)
		return r < 0 ? r : 1;
	r = sd.get_realtime_usec(j, &time);
	if (r < 0)
		return r;
	priority = number(j, "PRIORITY", 8);
	*ret_entry = (struct vd_journal_entry){
		.time = (int64_t)time,
		.level = levels[priority < 8 ? priority : 8],
		.pid = number(j, "_PID", 0),
		.line = number(j, "CODE_LINE", 0),
	};
	ret_entry->program = keep(j, "_COMM", &journal->program, &ret_entry->program_len);
	ret_entry->category = keep(j, "LIBVIRT_SOURCE", &journal->category, &ret_entry->category_len);
	ret_entry->function = keep(j, "CODE_FUNC", &journal->function, &ret_entry->function_len);
	ret_entry->message = keep(j, "MESSAGE", &journal->message, &ret_entry->message_len);
	if (journal->audit) {
		ret_entry->audit_type = number(j, "_AUDIT_TYPE", 0);
		ret_entry->audit_id = long_number(j, "_AUDIT_ID", 18, 0);
		ret_entry->audit_time = (int64_t)long_number(j, "_SOURCE_REALTIME_TIMESTAMP", 18, time);
	}
	return 0;
}

#else

int vd_journal_open(struct vd_root *root, struct vd_journal **ret_journal, struct vd_err *err)
{
	(void)root;
	(void)ret_journal;
	return vd_err_set(err, EOPNOTSUPP, "the journal cannot be read: virtdiag was built without libsystemd");
}

int vd_journal_open_file(int fd, const char *name, struct vd_journal **ret_journal, struct vd_err *err)
{
	(void)fd;
	(void)ret_journal;
	return vd_err_set(err, EOPNOTSUPP, "cannot read the journal file %s: virtdiag was built without libsystemd",
	                  name);
}

int vd_journal_open_audit(struct vd_root *root, enum vd_journal_audit way, struct vd_journal **ret_journal,
                          struct vd_err *err)
{
	(void)way;
	return vd_journal_open(root, ret_journal, err);
}

void vd_journal_free(struct vd_journal *journal)
{
	(void)journal;
}

int vd_journal_seek(struct vd_journal *journal, int64_t time)
{
	(void)journal;
	(void)time;
	return -EOPNOTSUPP;
}

int vd_journal_reopen(struct vd_journal *journal, struct vd_root *root, struct vd_err *err)
{
	(void)journal;
	return vd_journal_open(root, NULL, err);
}

bool vd_journal_is_incomplete(const struct vd_journal *journal)
{
	(void)journal;
	return false;
}

const struct vd_err *vd_journal_problem(const struct vd_journal *journal)
{
	(void)journal;
	return NULL;
}

int vd_journal_dirs(struct vd_root *root, struct vd_strv *dirs)
{
	(void)root;
	(void)dirs;
	return 0;
}

int vd_journal_seek_last(struct vd_journal *journal, uint64_t count)
{
	(void)journal;
	(void)count;
	return -EOPNOTSUPP;
}

int vd_journal_next(struct vd_journal *journal, struct vd_journal_entry *ret_entry)
{
	(void)journal;
	(void)ret_entry;
	return -EOPNOTSUPP;
}

#endif
