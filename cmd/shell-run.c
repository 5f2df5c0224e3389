/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command-internal.h"
#include "vlog.h"
#include "words.h"

VLOG_CATEGORY("virtdiag.cmd.shell");

const char *const vd_shell_words[] = {
	"use", "the guest that commands without GUEST are about; alone: none", "exit", "leave the shell; also Ctrl-D",
	NULL,
};

/* --- state ----------------------------------------------------------------------------------------------------- */

static int add_global(struct vd_strv *words, const char *name, const char *value)
{
	VD_AUTO_BUF word = VD_BUF_INIT;

	if (vd_buf_addf(&word, "--%s%s%s", name, value ? "=" : "", value ? value : "") < 0)
		return -ENOMEM;
	return vd_strv_add(words, vd_buf_str(&word));
}

int vd_shell_init(struct vd_shell *shell, struct vd_ctx *ctx)
{
	const char *session = ctx->session_user && *ctx->session_user ? ctx->session_user : NULL;
	char pid[32];
	const struct {
		bool given;
		const char *name, *value;
	} globals[] = {
		{ ctx->root_dir, "root", ctx->root_dir },
		{ ctx->pid, "pid", pid },
		{ ctx->use_session, "session", session },
		{ ctx->color == VD_COLOR_ALWAYS, "color", "always" },
		{ ctx->color == VD_COLOR_NEVER, "color", "never" },
		{ ctx->no_pager, "no-pager", NULL },
		{ ctx->local_time, "local", NULL },
		{ ctx->verbose, "verbose", NULL },
		{ ctx->quiet, "quiet", NULL },
		{ ctx->strict, "strict", NULL },
		{ ctx->log_filters, "log-filters", ctx->log_filters },
		{ ctx->log_outputs, "log-outputs", ctx->log_outputs },
	};

	memset(shell, 0, sizeof(*shell));
	shell->ctx = ctx;
	snprintf(pid, sizeof(pid), "%ld", ctx->pid);
	if (vd_strv_add(&shell->globals, "virtdiag") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < VD_ARRAY_SIZE(globals); i++) {
		if (globals[i].given && add_global(&shell->globals, globals[i].name, globals[i].value) < 0) {
			vd_shell_release(shell);
			return -ENOMEM;
		}
	}
	return 0;
}

void vd_shell_release(struct vd_shell *shell)
{
	vd_strv_release(&shell->globals);
	free(shell->guest);
	shell->guest = NULL;
}

static void VD_PRINTF(2, 3) complain(const struct vd_shell *shell, const char *fmt, ...)
{
	VD_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (shell->line)
		vd_error(shell->ctx, "line %lu: %s", shell->line, text ? text : "out of memory");
	else
		vd_error(shell->ctx, "%s", text ? text : "out of memory");
}

/* --- the guest in use ------------------------------------------------------------------------------------------ */

/* Was an option given that says which guests are meant, or that none is? */
static bool names_guests(const struct vd_parse *p)
{
	static const char *const names[] = { "all", "xml", "list-checks", "explain" };

	for (size_t i = 0; i < p->ctx->n_values; i++)
		for (size_t k = 0; k < VD_ARRAY_SIZE(names); k++)
			if (!strcmp(p->ctx->values[i].opt->name, names[k]))
				return true;
	return false;
}

/*
 * Where the guest in use belongs into @words: in front of a path that cannot be a guest (`cgroup devices /dev/kvm`),
 * or, with @at_end, behind the last word when no operand was given. -1: nowhere. `guests` always lists all.
 */
static int guest_position(const struct vd_strv *words, bool at_end)
{
	struct vd_ctx ctx = { 0 };
	struct vd_parse p = { .ctx = &ctx, .lenient = true };
	int first = -1;
	bool takes;

	for (size_t i = 0; i < words->len; i++) {
		if (vd_parse_word(&p, words->items[i]) != VD_EXIT_OK && !p.cmd)
			break;
		if (first < 0 && p.n_operands)
			first = (int)i;
	}
	takes = p.cmd && strcmp(p.cmd->name, "guests") && p.cmd->args && p.cmd->args[0].name &&
	        p.cmd->args[0].type == VD_OPT_GUEST && !p.pending && !p.want_help && !p.want_version &&
	        !names_guests(&p);
	if (!takes)
		first = -1;
	else if (first < 0)
		first = at_end ? (int)words->len : -1;
	else if (p.cmd->args[0].repeats || p.operands[0][0] != '/')
		first = -1;
	vd_parse_release(&p);
	vd_ctx_release(&ctx);
	return first;
}

/* The whole command line of @words: the shell's options, and the guest in use where it belongs. */
static int expand(const struct vd_shell *shell, const struct vd_strv *words, bool at_end, struct vd_strv *ret_argv)
{
	int at = shell->guest ? guest_position(words, at_end) : -1, rc = 0;

	for (size_t i = 0; i < shell->globals.len && rc == 0; i++)
		rc = vd_strv_add(ret_argv, shell->globals.items[i]);
	for (size_t i = 0; i < words->len && rc == 0; i++) {
		if (at == (int)i)
			rc = vd_strv_add(ret_argv, shell->guest);
		if (rc == 0)
			rc = vd_strv_add(ret_argv, words->items[i]);
	}
	if (at == (int)words->len && rc == 0)
		rc = vd_strv_add(ret_argv, shell->guest);
	return rc;
}

static enum vd_exit use_guest(struct vd_shell *shell, int argc, char **argv)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	VD_AUTO_FREE const struct vd_guest **picked = NULL;
	const struct vd_domain *domain;
	enum vd_exit status;
	char *name = NULL;
	size_t n = 0;

	if (argc > 1) {
		complain(shell, "use: one guest, or none; quote a name that holds blanks");
		return VD_EXIT_USAGE;
	}
	if (argc) {
		if (!vd_ctx_guests(shell->ctx, &guests))
			return VD_EXIT_UNKNOWN;
		status = vd_pick_guests(shell->ctx, &guests, argc, argv, &picked, &n);
		if (status != VD_EXIT_OK)
			return status;
		domain = vd_guest_domain(picked[0]);
		if (asprintf(&name, "%s:%s", vd_driver_name(domain->driver), domain->name) < 0) {
			complain(shell, "out of memory");
			return VD_EXIT_UNKNOWN;
		}
	}
	free(shell->guest);
	shell->guest = name;
	return VD_EXIT_OK;
}

/* --- running --------------------------------------------------------------------------------------------------- */

static void prepare_child(const struct vd_shell *shell)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH, SIGPIPE };
	sigset_t none;
	int fd;

	for (size_t i = 0; i < VD_ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What runs shall not outlive the shell unseen. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* The lines of a script are commands, not data for one of them. */
	fd = shell->interactive ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
}

/* Wait for the command. When the terminal stops it (Ctrl-Z), we stop too, so that whoever started us gets it back. */
static int wait_for(const struct vd_shell *shell, pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, shell->interactive ? WUNTRACED : 0) < 0) {
			if (errno == EINTR)
				continue;
			return VD_EXIT_UNKNOWN;
		}
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : VD_SHELL_SIGNAL + WTERMSIG(status);
		raise(SIGSTOP);
		kill(pid, SIGCONT);
	}
}

static int run_forked(struct vd_shell *shell, struct vd_strv *argv)
{
	enum vd_exit result;
	int status;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (pid == 0) {
		prepare_child(shell);
		result = vd_run((int)argv->len, argv->items);
		vlog_shutdown();
		/* Not exit(): it would move the place in the script that we share with the shell. */
		_exit(vd_close_stdout(result));
	}
	if (pid < 0) {
		complain(shell, "cannot start a process: %s", strerror(errno));
		return VD_EXIT_UNKNOWN;
	}
	status = wait_for(shell, pid);
	/* The terminal shows ^C and leaves the cursor there. */
	if (status == VD_SHELL_SIGNAL + SIGINT && shell->interactive)
		fputc('\n', stderr);
	if (status > VD_SHELL_SIGNAL && status != VD_SHELL_SIGNAL + SIGINT && status != VD_SHELL_SIGNAL + SIGPIPE)
		complain(shell, "the command was ended by signal %d (%s)", status - VD_SHELL_SIGNAL,
		         strsignal(status - VD_SHELL_SIGNAL));
	return status;
}

/* `help use`: what it says of a word that only the shell knows. False when it is none. */
static bool help_on_own(const struct vd_strv *words)
{
	const char *name = words->len == 2 && !strcmp(words->items[0], "help") ? words->items[1] : NULL;

	if (name && !strcmp(name, "quit"))
		name = "exit";
	for (const char *const *w = vd_shell_words; name && w[0]; w += 2) {
		if (strcmp(w[0], name) != 0)
			continue;
		printf("Usage: %s%s\n\nOnly in the shell: %s.\n", w[0], strcmp(name, "use") ? "" : " [GUEST]", w[1]);
		return true;
	}
	return false;
}

static int run_words(struct vd_shell *shell, const struct vd_strv *words)
{
	VD_AUTO_STRV argv = VD_STRV_INIT;
	const char *name = words->items[0];
	int status;

	if (!strcmp(name, "use"))
		return use_guest(shell, (int)words->len - 1, words->items + 1);
	if (!strcmp(name, "exit") || !strcmp(name, "quit")) {
		if (words->len > 1) {
			complain(shell, "%s takes no argument", name);
			return VD_EXIT_USAGE;
		}
		shell->done = true;
		return shell->status;
	}
	if (!strcmp(name, "shell")) {
		complain(shell, "this is the shell already");
		return VD_EXIT_USAGE;
	}
	if (help_on_own(words))
		return VD_EXIT_OK;
	if (expand(shell, words, true, &argv) < 0) {
		complain(shell, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	VLOG_DEBUG("a command of %zu words", argv.len);
	status = run_forked(shell, &argv);
	if (!strcmp(name, "help") && words->len == 1) {
		puts("\nOnly in the shell:");
		for (const char *const *w = vd_shell_words; w[0]; w += 2)
			printf("  %-13s %s\n", w[0], w[1]);
	}
	return status;
}

/* A line that was copied from elsewhere begins with the program's name. */
static void drop_name(struct vd_strv *words)
{
	if (words->len < 2 || strcmp(words->items[0], "virtdiag"))
		return;
	free(words->items[0]);
	memmove(words->items, words->items + 1, words->len * sizeof(*words->items));
	words->len--;
}

void vd_shell_run(struct vd_shell *shell, const char *line)
{
	*shell->interrupted = 0;
	while (*line && !shell->done && !*shell->interrupted) {
		VD_AUTO_STRV words = VD_STRV_INIT;
		VD_AUTO_ERR err = VD_ERR_INIT;

		if (vd_words_next(&line, &words, &err) < 0) {
			complain(shell, "%s", vd_err_text(&err));
			shell->status = err.code == EINVAL ? VD_EXIT_USAGE : VD_EXIT_UNKNOWN;
			return;
		}
		drop_name(&words);
		if (words.len)
			shell->status = run_words(shell, &words);
	}
}

/* --- completion ------------------------------------------------------------------------------------------------ */

static void add_shell_words(const char *typed, struct vd_completion *found)
{
	VD_AUTO_BUF word = VD_BUF_INIT;

	for (const char *const *w = vd_shell_words; w[0]; w += 2) {
		vd_buf_clear(&word);
		if (strncmp(w[0], typed, strlen(typed)) || vd_buf_addf(&word, "%s\t%s", w[0], w[1]) < 0)
			continue;
		if (vd_strv_add(&found->words, vd_buf_str(&word)) < 0)
			return;
	}
}

int vd_shell_complete(struct vd_shell *shell, const struct vd_strv *words, struct vd_completion *ret)
{
	VD_AUTO_STRV argv = VD_STRV_INIT, command = VD_STRV_INIT;
	char *last = words->items[words->len - 1];
	struct vd_completion found;
	int rc = 0;

	for (size_t i = 0; i < words->len && rc == 0; i++)
		rc = vd_strv_add(&command, words->items[i]);
	if (rc < 0)
		return rc;
	drop_name(&command);
	/* `use` takes what `guests` takes, but once. */
	if (command.len > 1 && !strcmp(command.items[0], "use")) {
		if (command.len > 2)
			return -ENOENT;
		free(command.items[0]);
		command.items[0] = strdup("guests");
		if (!command.items[0])
			return -ENOMEM;
	}
	if (expand(shell, &command, false, &argv) < 0)
		return -ENOMEM;
	rc = vd_complete((int)argv.len - 1, argv.items + 1, &found);
	if (rc < 0)
		return rc;
	/* The last word is the same in both: let the head point into the one that lives on. */
	found.head = last;
	if (command.len == 1)
		add_shell_words(last, &found);
	*ret = found;
	return 0;
}
