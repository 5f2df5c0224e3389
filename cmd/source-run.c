/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag source label, source run: the tree's programs get their types; a daemon of it in place of the installed one.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "label.h"
#include "program.h"
#include "source.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.source");

#define SYSTEMCTL_MS  60000u
#define SELINUX_XATTR "security.selinux"

/* --- label -------------------------------------------------------------------------------------------------------- */

struct labelling {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	bool dry_run;
	size_t n;
	struct vd_strv undo; /* text lines */
};

/* A file by its descriptor: what was looked at is what gets the label. @link: the symlink itself. */
static int set_label(struct vd_ctx *ctx, const char *path, bool link, const char *label, struct vd_err *err)
{
	VD_AUTO_CLOSE int fd = -1;
	int rc = link ? 0 : vd_root_open_file(ctx->root, path, &fd, err);

	if (rc < 0)
		return rc;
	if (link ? lsetxattr(path, SELINUX_XATTR, label, strlen(label) + 1, 0) == 0
	         : fsetxattr(fd, SELINUX_XATTR, label, strlen(label) + 1, 0) == 0)
		return 0;
	if (errno == EINVAL)
		return vd_err_set(err, EINVAL, "cannot label %s: the policy of this host does not know %s", path,
		                  label);
	return vd_err_set(err, errno, "cannot label %s as %s: %s", path, label, strerror(errno));
}

static void add_undo(struct labelling *l, struct vd_row *row, const char *path, const char *old)
{
	/* -h: a symlink itself; for a file it is the same. */
	const char *const back[] = { "chcon", "-h", "--", old, path, NULL };
	const char *const none[] = { "setfattr", "-h", "-x", SELINUX_XATTR, "--", path, NULL };
	const char *const *argv = old ? back : none;
	const char *line = vd_shell_line(l->report, argv);

	vd_row_value(row, VD_SOURCE_UNDO, vd_value_strings(argv));
	if (line && vd_strv_add(&l->undo, line) < 0)
		vd_report_missing(l->report, path, "out of memory", true);
}

static void label_one(struct labelling *l, const char *path, bool link, const char *old, const char *type)
{
	VD_AUTO_FREE char *label = vd_tree_with_type(old, type);
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_row *row;

	if (vd_tree_has_type(old, type))
		return;
	row = vd_table_row(l->table, NULL);
	l->n++;
	vd_row_str(row, VD_SOURCE_TARGET, path);
	vd_row_str(row, VD_SOURCE_OLD, old);
	vd_row_str(row, VD_SOURCE_NEW, label);
	if (l->dry_run) {
		vd_row_str(row, VD_SOURCE_DONE, "would");
	} else if (label && set_label(l->ctx, path, link, label, &err) == 0) {
		vd_row_str(row, VD_SOURCE_DONE, "done");
		add_undo(l, row, path, old);
	} else {
		vd_row_str(row, VD_SOURCE_DONE, "failed");
		vd_row_hue(row, VD_SOURCE_DONE, VD_HUE_BAD);
		vd_fail(l->ctx, &err);
		vd_report_unknown(l->report);
	}
}

static void label_all(struct labelling *l, const struct vd_tree *tree)
{
	for (size_t i = 0; i < tree->n_programs; i++)
		if (tree->programs[i].wanted)
			label_one(l, tree->programs[i].elf, false, tree->programs[i].label, tree->programs[i].wanted);
	for (size_t i = 0; i < tree->libraries.len; i++) {
		VD_AUTO_FREE char *old = NULL;

		if (vd_root_label(l->ctx->root, tree->libraries.items[i], &old, NULL) < 0)
			old = NULL;
		label_one(l, tree->libraries.items[i], false, old, VD_TREE_LIBRARY_TYPE);
	}
	/* The loader follows libvirt.so.0: with the label of a home directory that is denied as well. */
	for (size_t i = 0; i < tree->links.len && !vd_root_pid(l->ctx->root); i++) {
		char old[512];
		ssize_t n = lgetxattr(tree->links.items[i], SELINUX_XATTR, old, sizeof(old) - 1);

		old[n > 0 ? n : 0] = '\0';
		label_one(l, tree->links.items[i], true, n > 0 ? old : NULL, VD_TREE_LIBRARY_TYPE);
	}
}

static enum vd_exit run_label(struct vd_ctx *ctx, int argc VD_UNUSED, char **argv)
{
	VD_AUTO_TREE tree = { 0 };
	struct labelling l = { .ctx = ctx, .dry_run = vd_opt_given(ctx, "dry-run") };
	enum vd_exit status = vd_source_load(ctx, argv[0], true, &tree);

	if (status != VD_EXIT_OK)
		return status;
	if (!vd_source_selinux(ctx)) {
		vd_error(ctx, "SELinux is off on this host: there is nothing to label");
		return VD_EXIT_UNKNOWN;
	}
	if (!tree.n_programs) {
		vd_error(ctx, "nothing is built in %s", tree.build);
		return VD_EXIT_UNKNOWN;
	}
	l.report = vd_report_new(ctx);
	l.table = vd_report_table(l.report, "changes", NULL, 0);
	label_all(&l, &tree);
	if (!l.n)
		vd_report_line(l.report, "every program and library of it has its type");
	else
		vd_report_line(l.report, "%s", "");
	for (size_t i = 0; i < l.undo.len; i++)
		vd_report_line(l.report, "undo  %s", l.undo.items[i]);
	if (l.n)
		vd_report_line(l.report,
		               "Each time a program is linked it is a new file, without the type: label again.");
	vd_strv_release(&l.undo);
	return vd_report_finish(l.report);
}

static const struct vd_opt label_opts[] = {
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be done" },
	{ 0 },
};

static const struct vd_arg label_args[] = { VD_SOURCE_ARG_TREE, { 0 } };

static const char *const label_examples[] = {
	"sudo virtdiag source label --dry-run ~/src/libvirt",
	"which files lack the type that an installed one has",
	NULL,
};

const struct vd_cmd vd_source_label = {
	.name = "label",
	.summary = "give a tree's programs the SELinux types of installed ones",
	.description = "Sets the type of each daemon, of libvirt_lxc and of the libraries, as chcon does, and prints "
	               "the undo. "
	               "Without it a daemon does not get into its domain, and guests that it starts get wrong labels.",
	.examples = label_examples,
	.opts = label_opts,
	.args = label_args,
	.rows = "changes",
	.flags = VD_CMD_TABLE | VD_CMD_LIVE_ONLY,
	.cols = vd_source_change_cols,
	.n_cols = VD_SOURCE_CHANGE_COUNT_,
	.run = run_label,
};

/* --- run ---------------------------------------------------------------------------------------------------------- */

struct run {
	struct vd_ctx *ctx;
	const struct vd_tree *tree;
	const struct vd_tree_program *program;
	struct vd_strv units; /* active ones that get in the way */
	struct vd_strv argv;  /* what is executed */
	struct vd_strv env;   /* NAME, VALUE by turns; empty where the tree's run script sets them */
	char *context;        /* NULL: as we are */
};

static bool is_active(const char *unit)
{
	const char *const argv[] = { "systemctl", "is-active", "--quiet", "--", unit, NULL };
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	int status;

	return vd_program_run(argv, SYSTEMCTL_MS, &out, &errors, &status, NULL) == 0 && status == 0;
}

static int systemctl(struct run *r, const char *verb, const char *unit)
{
	const char *const argv[] = { "systemctl", verb, "--", unit, NULL };
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int status = 0, rc = vd_program_run(argv, SYSTEMCTL_MS, &out, &errors, &status, &err);

	if (rc == 0 && status == 0)
		return 0;
	vd_error(r->ctx, "systemctl %s %s: %s", verb, unit, rc < 0 ? vd_err_text(&err) : vd_buf_str(&errors));
	return -EIO;
}

static int add_words(struct vd_strv *v, const char *const *words)
{
	int rc = 0;

	for (; *words && rc == 0; words++)
		rc = vd_strv_add(v, *words);
	return rc;
}

/*
 * The command. A policy may let nobody but init start a daemon in its domain; then a shell in init's domain does, and
 * the domain changes by itself as at boot. That way the loader keeps LD_LIBRARY_PATH too.
 */
static int build_command(struct run *r, int argc, char **argv)
{
	const char *const via_init[] = {
		"runcon", "system_u:system_r:initrc_t:s0-s0:c0.c1023", "/bin/sh", "-c", "exec \"$0\" \"$@\"", NULL
	};
	const char *const direct[] = { "runcon", r->context, NULL };
	int rc = r->tree->run ? vd_strv_add(&r->argv, r->tree->run) : vd_tree_environment(r->tree, &r->env);
	VD_AUTO_BUF current = VD_BUF_INIT;
	bool may = true;

	if (rc == 0 && r->context) {
		if (vd_root_read(r->ctx->root, "/proc/self/attr/current", 4096, &current, NULL) == 0)
			may = vd_policy_allows(vd_buf_str(&current), r->context, "process", "transition") != 0;
		rc = add_words(&r->argv, may || vd_opt_given(r->ctx, "context") ? direct : via_init);
	}
	/* Behind runcon the program itself: libtool's wrapper is a script of another type. */
	if (rc == 0)
		rc = vd_strv_add(&r->argv, r->context ? r->program->elf : r->program->path);
	for (int i = 0; i < argc && rc == 0; i++)
		rc = vd_strv_add(&r->argv, argv[i]);
	return rc;
}

static void show_line(const struct vd_strv *words, const char *before)
{
	VD_AUTO_BUF line = VD_BUF_INIT;

	for (size_t i = 0; i < words->len; i++)
		if (vd_buf_addc(&line, ' ') < 0 || vd_buf_add_shell(&line, words->items[i]) < 0)
			return;
	printf("%s%s\n", before, before[0] ? vd_buf_str(&line) : vd_buf_str(&line) + 1);
}

static void show(const struct run *r)
{
	if (r->units.len)
		show_line(&r->units, "systemctl stop");
	for (size_t i = 0; i + 1 < r->env.len; i += 2) {
		VD_AUTO_BUF value = VD_BUF_INIT;
		size_t len = strlen(r->env.items[i]);
		bool list = len >= 4 && !strcmp(r->env.items[i] + len - 4, "PATH") &&
		            strcmp(r->env.items[i], "LIBVIRTD_PATH");

		if (vd_buf_add_shell(&value, r->env.items[i + 1]) == 0)
			printf(list ? "export %s=%s${%s:+:$%s}\n" : "export %s=%s\n", r->env.items[i],
			       vd_buf_str(&value), r->env.items[i], r->env.items[i]);
	}
	show_line(&r->argv, "");
	if (r->units.len)
		show_line(&r->units, "systemctl start");
}

static void set_environment(const struct run *r)
{
	for (size_t i = 0; i + 1 < r->env.len; i += 2) {
		const char *name = r->env.items[i], *value = r->env.items[i + 1], *old = getenv(name);
		size_t len = strlen(name);
		VD_AUTO_BUF both = VD_BUF_INIT;

		if (len >= 4 && !strcmp(name + len - 4, "PATH") && strcmp(name, "LIBVIRTD_PATH") && old && *old &&
		    vd_buf_addf(&both, "%s:%s", value, old) == 0)
			value = vd_buf_str(&both);
		setenv(name, value, 1);
	}
}

static volatile pid_t child;
static volatile sig_atomic_t ended;

static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP };

/* An interrupt at the terminal reaches the daemon by itself too; to be told twice does it no harm. */
static void pass_on(int sig VD_UNUSED)
{
	ended = 1;
	if (child > 0)
		kill(child, SIGTERM);
}

/* From before the first unit is stopped: whatever ends us, they are started again. */
static void hold_signals(void)
{
	struct sigaction action = { .sa_handler = pass_on };

	for (size_t i = 0; i < VD_ARRAY_SIZE(end_signals); i++)
		sigaction(end_signals[i], &action, NULL);
	signal(SIGQUIT, SIG_IGN);
}

/* As fork(), with the signals held back until there is somebody to pass them on to: none is lost in between. */
static pid_t fork_for_signals(void)
{
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	for (size_t i = 0; i < VD_ARRAY_SIZE(end_signals); i++)
		sigaddset(&set, end_signals[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	/* What came before they were held back is passed on like what comes now. */
	if (ended)
		raise(SIGTERM);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < VD_ARRAY_SIZE(end_signals); i++)
			signal(end_signals[i], SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
	}
	child = pid;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* The daemon in the foreground. */
static enum vd_exit run_daemon(struct run *r)
{
	int status;

	VLOG_DEBUG("running %s in %s", r->argv.items[0], r->context ? r->context : "our own context");
	fflush(stdout);
	if (fork_for_signals() == 0) {
		set_environment(r);
		execvp(r->argv.items[0], r->argv.items);
		fprintf(stderr, "virtdiag: cannot run %s: %s\n", r->argv.items[0], strerror(errno));
		_exit(127);
	}
	if (child < 0) {
		vd_error(r->ctx, "cannot start a process: %s", strerror(errno));
		return VD_EXIT_UNKNOWN;
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return VD_EXIT_UNKNOWN;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return VD_EXIT_OK;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM))
		return VD_EXIT_OK;
	vd_error(r->ctx, "%s ended with %s %d", r->program->name, WIFSIGNALED(status) ? "signal" : "status",
	         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return VD_EXIT_UNKNOWN;
}

/*
 * Stop what is in the way, run, start it again, whatever came of it. All or none are stopped, also when we are told to
 * end meanwhile: systemd refuses to start a socket whose service still runs.
 */
static enum vd_exit swap_and_run(struct run *r)
{
	enum vd_exit status = VD_EXIT_OK;

	hold_signals();
	for (size_t i = 0; i < r->units.len; i++)
		if (systemctl(r, "stop", r->units.items[i]) < 0)
			status = VD_EXIT_UNKNOWN;
	if (status == VD_EXIT_OK && !ended)
		status = run_daemon(r);
	for (size_t i = 0; i < r->units.len; i++)
		if (systemctl(r, "start", r->units.items[i]) < 0)
			status = VD_EXIT_UNKNOWN;
	return status;
}

static enum vd_exit choose_program(struct run *r, const char *name)
{
	VD_AUTO_BUF names = VD_BUF_INIT;
	const char *slash = name ? strrchr(name, '/') : NULL;

	if (!name)
		r->program = vd_tree_find(r->tree, "libvirtd");
	if (!name && !r->program)
		r->program = vd_tree_find(r->tree, "virtqemud");
	if (name)
		r->program = vd_tree_find(r->tree, slash ? slash + 1 : name);
	if (r->program && r->program->role == VD_TREE_DAEMON)
		return VD_EXIT_OK;
	for (size_t i = 0; i < r->tree->n_programs; i++)
		if (r->tree->programs[i].role == VD_TREE_DAEMON &&
		    vd_buf_addf(&names, "%s%s", names.len ? ", " : "", r->tree->programs[i].name) < 0)
			break;
	vd_error(r->ctx, "%s is no daemon that is built in %s; built are: %s", name ? name : "libvirtd", r->tree->build,
	         names.len ? vd_buf_str(&names) : "none");
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit choose_context(struct run *r)
{
	const char *given = vd_opt_str(r->ctx, "context", NULL);

	if (!vd_source_selinux(r->ctx) || (given && !strcmp(given, "none")))
		return VD_EXIT_OK;
	if (!vd_source_labelled(r->program)) {
		vd_error(r->ctx,
		         "%s lacks the type %s and would not get into its domain: 'virtdiag source label' first",
		         r->program->elf, r->program->wanted);
		return VD_EXIT_UNKNOWN;
	}
	r->context = given ? strdup(given) : vd_tree_context(r->program);
	if (r->context)
		return VD_EXIT_OK;
	vd_error(r->ctx, "out of memory");
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit prepare(struct run *r, int argc, char **argv)
{
	VD_AUTO_STRV units = VD_STRV_INIT;
	enum vd_exit status = choose_program(r, argc > 1 ? argv[1] : NULL);
	int rc;

	if (status == VD_EXIT_OK)
		status = choose_context(r);
	if (status != VD_EXIT_OK)
		return status;
	rc = vd_source_units(r->ctx, r->tree, r->program->name, &units);
	for (size_t i = 0; rc == 0 && i < units.len; i++)
		if (is_active(units.items[i]))
			rc = vd_strv_add(&r->units, units.items[i]);
	if (rc == 0)
		rc = build_command(r, argc > 2 ? argc - 2 : 0, argv + 2);
	if (rc == 0)
		return VD_EXIT_OK;
	vd_error(r->ctx, "out of memory");
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit not_root(struct vd_ctx *ctx)
{
	vd_error(ctx, "only root can run a daemon of the system");
	vd_sudo_hint(ctx);
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit run_run(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_TREE tree = { 0 };
	struct run r = { .ctx = ctx, .tree = &tree };
	enum vd_exit status = vd_source_load(ctx, argv[0], true, &tree);

	if (status == VD_EXIT_OK)
		status = prepare(&r, argc, argv);
	if (status == VD_EXIT_OK && vd_opt_given(ctx, "dry-run"))
		show(&r);
	else if (status == VD_EXIT_OK && geteuid() != 0)
		status = not_root(ctx);
	else if (status == VD_EXIT_OK)
		status = swap_and_run(&r);
	vd_strv_release(&r.units);
	vd_strv_release(&r.argv);
	vd_strv_release(&r.env);
	free(r.context);
	return status;
}

static const struct vd_opt run_opts[] = {
	{ .name = "context",
	  .type = VD_OPT_STRING,
	  .arg = "CONTEXT",
	  .help = "run in this SELinux context; none: in the caller's" },
	{ .name = "dry-run", .type = VD_OPT_FLAG, .help = "show what would be run" },
	{ 0 },
};

static const struct vd_arg run_args[] = {
	VD_SOURCE_ARG_TREE,
	{ .name = "DAEMON",
	  .type = VD_OPT_STRING,
	  .optional = true,
	  .help = "a daemon of the tree (default: libvirtd)" },
	{ .name = "ARGUMENT", .type = VD_OPT_STRING, .optional = true, .repeats = true, .help = "for the daemon" },
	{ 0 },
};

static const char *const run_examples[] = {
	"sudo virtdiag source run ~/src/libvirt",
	"the tree's libvirtd instead of the installed one, until Ctrl-C",
	"virtdiag source run --dry-run ~/src/libvirt virtqemud --verbose",
	"what would be run for that",
	NULL,
};

const struct vd_cmd vd_source_run = {
	.name = "run",
	.summary = "run a daemon of the tree in place of the installed one",
	.description =
	        "Stops the units of installed daemons that serve the same guests, runs the tree's daemon in the "
	        "foreground with the tree's environment and, where SELinux is on, in the domain of an installed one, "
	        "and starts the units again when it ends.",
	.examples = run_examples,
	.opts = run_opts,
	.args = run_args,
	.flags = VD_CMD_LIVE_ONLY | VD_CMD_NO_JSON | VD_CMD_STOP_AT_COMMAND,
	.run = run_run,
};
