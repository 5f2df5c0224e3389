/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag shell: where lines come from, a terminal or a script. The only file that knows readline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "command-internal.h"
#include "shell.h"
#include "words.h"

#define HISTORY_LINES 1000

/* readline is one terminal of one process, and calls us without an argument. */
static struct {
	struct vd_shell *shell;
	char *history;        /* path of the history file; NULL: none is kept */
	char *line;           /* the line that was entered; owned */
	bool entered, eof;    /* a line, or the end of input, is there */
	struct vd_strv shown; /* the candidates of the last Tab, "WORD\tDESCRIPTION" */
} term;

static volatile sig_atomic_t got_int, got_tstp, got_winch, got_term;

static void on_signal(int sig)
{
	if (sig == SIGINT)
		got_int = 1;
	else if (sig == SIGTSTP)
		got_tstp = 1;
	else if (sig == SIGWINCH)
		got_winch = 1;
	else
		got_term = sig;
}

/* --- history --------------------------------------------------------------------------------------------------- */

/* Make the directories of @path, a file, that are not there. */
static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

/*
 * Open the history file. It is kept only where its directory is ours: a root shell that runs with the HOME of a user
 * shall leave nothing there that the user cannot change.
 */
static void open_history(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	VD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int rc;

	using_history();
	stifle_history(HISTORY_LINES);
	if (state && *state == '/')
		rc = asprintf(&term.history, "%s/virtdiag/history", state);
	else if (home && *home == '/')
		rc = asprintf(&term.history, "%s/.local/state/virtdiag/history", home);
	else
		return;
	if (rc < 0) {
		term.history = NULL;
		return;
	}
	make_parents(term.history);
	fd = open(term.history, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    read_history(term.history) != 0) {
		free(term.history);
		term.history = NULL;
	}
}

static void remember(const char *line)
{
	HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;

	/* As other shells: a blank in front keeps a line out. */
	if (!*line || *line == ' ' || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (term.history && append_history(1, term.history) != 0) {
		free(term.history);
		term.history = NULL;
	}
}

/* --- completion ------------------------------------------------------------------------------------------------ */

static int is_quoted(char *line, int index)
{
	VD_AUTO_STRV words = VD_STRV_INIT;
	struct vd_words_end end;

	return vd_words_typed(line, (size_t)index, &words, &end) == 0 && (end.quote || end.escape);
}

/* The paths that readline finds for the end of @head @typed, as words of their own. */
static void add_paths(struct vd_completion *found, const char *typed, bool only_dirs)
{
	char *path;

	for (int state = 0; (path = rl_filename_completion_function(typed, state)); state++) {
		VD_AUTO_FREE char *expanded = tilde_expand(path);
		VD_AUTO_FREE char *owned = path;
		VD_AUTO_BUF word = VD_BUF_INIT;
		struct stat st;
		bool dir = expanded && stat(expanded, &st) == 0 && S_ISDIR(st.st_mode);

		if (only_dirs && !dir)
			continue;
		if (vd_buf_addf(&word, "%s%s", owned, dir ? "/" : "") < 0 ||
		    vd_strv_add(&found->words, vd_buf_str(&word)) < 0)
			return;
	}
}

/* How many bytes all candidates begin with, whole characters; a description is no part of them. */
static size_t common_length(const struct vd_strv *words)
{
	size_t len = strcspn(words->items[0], "\t");

	for (size_t i = 1; i < words->len; i++) {
		size_t n = 0, all = strcspn(words->items[i], "\t");

		while (n < len && n < all && words->items[0][n] == words->items[i][n])
			n++;
		len = n;
	}
	while (len && ((unsigned char)words->items[0][len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* What readline puts in the place of the word: @head and @word without the first @kept bytes, quoted. NULL: nothing. */
static char *replacement(const struct vd_completion *found, const char *word, size_t len, size_t kept, char quote)
{
	VD_AUTO_BUF whole = VD_BUF_INIT, quoted = VD_BUF_INIT;

	if (vd_buf_add(&whole, found->head, found->head_len) < 0 || vd_buf_add(&whole, word, len) < 0 ||
	    kept > whole.len || vd_words_quote(vd_buf_str(&whole) + kept, quote, &quoted) < 0)
		return NULL;
	return strdup(vd_buf_str(&quoted));
}

/*
 * The vector that readline wants: what to insert, then, of several, the candidates to show. They are kept in term.shown
 * too, with their descriptions.
 */
static char **matches_of(const struct vd_completion *found, size_t kept, char quote)
{
	const struct vd_strv *w = &found->words;
	char **matches = calloc(w->len + 2, sizeof(*matches));
	size_t len = common_length(w);

	if (!matches)
		return NULL;
	matches[0] = replacement(found, w->items[0], len, kept, quote);
	for (size_t i = 0; matches[0] && w->len > 1 && i < w->len; i++) {
		matches[i + 1] = strndup(w->items[i], strcspn(w->items[i], "\t"));
		if (!matches[i + 1] || vd_strv_add(&term.shown, w->items[i]) < 0) {
			for (size_t k = 0; k <= i + 1; k++)
				free(matches[k]);
			matches[0] = NULL;
			break;
		}
	}
	if (!matches[0]) {
		free(matches);
		return NULL;
	}
	if (found->nospace || (w->len == 1 && len && strchr(":=,/", w->items[0][len - 1])))
		rl_completion_suppress_append = rl_completion_suppress_quote = 1;
	return matches;
}

/* @start: where readline begins to replace. It sets the quote it knows to be open before. */
static char **complete(const char *text VD_UNUSED, int start, int end)
{
	VD_AUTO_STRV before = VD_STRV_INIT, words = VD_STRV_INIT;
	struct vd_words_end at_start, at_end;
	struct vd_completion found;
	char **matches = NULL;

	/* Never readline's own idea: files of the current directory. */
	rl_attempted_completion_over = 1;
	vd_strv_release(&term.shown);
	if (vd_words_typed(rl_line_buffer, (size_t)start, &before, &at_start) < 0 ||
	    vd_words_typed(rl_line_buffer, (size_t)end, &words, &at_end) < 0 ||
	    vd_shell_complete(term.shell, &words, &found) < 0)
		return NULL;
	if (strcmp(found.directive, ":words"))
		add_paths(&found, found.head + found.head_len, !strcmp(found.directive, ":dirs"));
	if (found.words.len)
		matches = matches_of(&found, at_start.len, at_start.quote);
	vd_strv_release(&found.words);
	return matches;
}

/* With descriptions a line each; many, or without them, as readline does. */
static void display(char **matches, int count, int longest)
{
	struct winsize size = { 0 };
	bool described = false;
	int room;

	if (ioctl(fileno(rl_outstream), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	for (size_t i = 0; i < term.shown.len; i++)
		described |= strchr(term.shown.items[i], '\t') != NULL;
	room = (int)size.ws_col - longest - 3;
	if (!described || (size_t)count != term.shown.len || count + 2 > size.ws_row || room < 20) {
		rl_display_match_list(matches, count, longest);
		rl_forced_update_display();
		return;
	}
	rl_crlf();
	for (size_t i = 0; i < term.shown.len; i++) {
		const char *word = term.shown.items[i], *tab = strchr(word, '\t');
		int len = (int)(tab ? (size_t)(tab - word) : strlen(word));

		fprintf(rl_outstream, "%.*s%*s%.*s\n", len, word, tab ? longest + 2 - len : 0, "", room,
		        tab ? tab + 1 : "");
	}
	rl_forced_update_display();
}

/* --- a terminal ------------------------------------------------------------------------------------------------ */

static void on_line(char *line)
{
	term.line = line;
	term.entered = line;
	term.eof = !line;
	/* Before anything is printed or run: gives the terminal its usual modes back. */
	rl_callback_handler_remove();
}

static void prompt(struct vd_buf *text)
{
	const char *guest = term.shell->guest;
	int rc;

	vd_buf_clear(text);
	rc = vd_buf_adds(text, "virtdiag");
	if (rc == 0 && guest) {
		rc = vd_buf_addc(text, ' ');
		rc = rc < 0 ? rc : vd_buf_add_escaped(text, guest, strlen(guest));
	}
	if (rc < 0 || vd_buf_adds(text, "> ") < 0)
		vd_buf_clear(text);
}

/* What came in while the line was edited. */
static void handle_signals(const char *text)
{
	if (got_int) {
		got_int = 0;
		fputs("^C\n", rl_outstream);
		rl_callback_sigcleanup();
		rl_callback_handler_remove();
		rl_callback_handler_install(text, on_line);
	}
	if (got_tstp) {
		got_tstp = 0;
		rl_cleanup_after_signal();
		raise(SIGSTOP);
		rl_reset_after_signal();
		rl_forced_update_display();
	}
	if (got_winch) {
		got_winch = 0;
		rl_resize_terminal();
	}
}

/* Read one line into term.line. False at the end of input or when a signal ends us. Signals come in only here. */
static bool read_line(const sigset_t *open_mask)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	VD_AUTO_BUF text = VD_BUF_INIT;

	prompt(&text);
	term.entered = term.eof = false;
	rl_callback_handler_install(vd_buf_str(&text), on_line);
	while (!term.entered && !term.eof && !got_term) {
		int n = ppoll(&in, 1, NULL, open_mask);

		if (n < 0 && errno == EINTR)
			handle_signals(vd_buf_str(&text));
		else if (n < 0)
			break;
		else
			rl_callback_read_char();
	}
	if (!term.entered)
		rl_callback_handler_remove();
	return term.entered;
}

static void handle(int sig, void (*function)(int))
{
	struct sigaction action = { .sa_handler = function };

	sigemptyset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

/* A command runs: an interrupt is for it, and what ends us ends us at once. */
static void run_line(struct vd_shell *shell, const sigset_t *blocked, const sigset_t *open_mask)
{
	handle(SIGTERM, SIG_DFL);
	handle(SIGHUP, SIG_DFL);
	sigprocmask(SIG_SETMASK, open_mask, NULL);
	vd_shell_run(shell, term.line);
	sigprocmask(SIG_BLOCK, blocked, NULL);
	handle(SIGTERM, on_signal);
	handle(SIGHUP, on_signal);
	got_int = got_tstp = 0;
}

static void start_readline(struct vd_shell *shell)
{
	term.shell = shell;
	rl_readline_name = "virtdiag";
	/* stdout is for results. */
	rl_outstream = stderr;
	rl_catch_signals = rl_catch_sigwinch = 0;
	rl_attempted_completion_function = complete;
	rl_completion_display_matches_hook = display;
	rl_completer_word_break_characters = (char *)" \t\n;";
	rl_completer_quote_characters = "'\"";
	rl_char_is_quoted_p = is_quoted;
	/* The program's order counts: running guests first. */
	rl_sort_completion_matches = 0;
	rl_ignore_completion_duplicates = 0;
	open_history();
}

static void interactive(struct vd_shell *shell)
{
	static const int signals[] = { SIGINT, SIGTSTP, SIGWINCH, SIGTERM, SIGHUP };
	sigset_t blocked, open_mask;

	start_readline(shell);
	sigemptyset(&blocked);
	for (size_t i = 0; i < VD_ARRAY_SIZE(signals); i++) {
		handle(signals[i], on_signal);
		sigaddset(&blocked, signals[i]);
	}
	handle(SIGQUIT, SIG_IGN);
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);
	if (!shell->ctx->quiet)
		fputs("virtdiag " VD_VERSION_STRING ": 'help' lists the commands, Tab completes, Ctrl-D leaves\n",
		      stderr);
	while (!shell->done && read_line(&open_mask)) {
		remember(term.line);
		run_line(shell, &blocked, &open_mask);
		free(term.line);
		term.line = NULL;
	}
	if (!shell->done)
		fputc('\n', stderr);
	if (term.history)
		history_truncate_file(term.history, HISTORY_LINES);
	free(term.history);
	vd_strv_release(&term.shown);
	rl_clear_history();
	sigprocmask(SIG_SETMASK, &open_mask, NULL);
	if (got_term) {
		signal(got_term, SIG_DFL);
		raise(got_term);
	}
}

/* --- a script -------------------------------------------------------------------------------------------------- */

static void script(struct vd_shell *shell)
{
	VD_AUTO_FREE char *line = NULL;
	VD_AUTO_BUF command = VD_BUF_INIT;
	size_t cap = 0;
	ssize_t len;

	handle(SIGINT, on_signal);
	while (!shell->done && !got_int && (len = getline(&line, &cap, stdin)) >= 0) {
		bool goes_on = len >= 2 && line[len - 1] == '\n' && line[len - 2] == '\\';

		shell->line++;
		if (memchr(line, '\0', (size_t)len)) {
			vd_error(shell->ctx, "line %lu: holds a NUL byte: this is no script", shell->line);
			shell->status = VD_EXIT_USAGE;
			return;
		}
		if (vd_buf_add(&command, line, (size_t)len) < 0) {
			vd_error(shell->ctx, "out of memory");
			shell->status = VD_EXIT_UNKNOWN;
			return;
		}
		if (goes_on)
			continue;
		vd_shell_run(shell, vd_buf_str(&command));
		vd_buf_clear(&command);
	}
	if (command.len && !shell->done && !got_int)
		vd_shell_run(shell, vd_buf_str(&command));
	if (got_int) {
		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
	}
}

static enum vd_exit run_shell(struct vd_ctx *ctx, int argc VD_UNUSED, char **argv VD_UNUSED)
{
	struct vd_shell shell;

	if (vd_shell_init(&shell, ctx) < 0) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	shell.interrupted = &got_int;
	shell.interactive = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	if (shell.interactive)
		interactive(&shell);
	else
		script(&shell);
	vd_shell_release(&shell);
	return (enum vd_exit)shell.status;
}

static const char *const shell_examples[] = {
	"virtdiag shell",
	"type commands, with completion and a history",
	"virtdiag --root /srv/captures/host7 shell",
	"everything about one captured host",
	"virtdiag shell <commands.txt",
	"run the lines of a file",
	NULL,
};

extern const struct vd_cmd vd_cmd_shell;
const struct vd_cmd vd_cmd_shell = {
	.name = "shell",
	.summary = "type commands one after the other",
	.description =
	        "Reads commands, without the word virtdiag in front of them, and runs them. Global options given here "
	        "hold for all of them. On a terminal there are completion with Tab, a history, and a guest in "
	        "use: after 'use GUEST', commands that take GUEST and get none are about that one. Elsewhere the "
	        "lines are a script. The exit status is that of the last command.",
	.examples = shell_examples,
	.flags = VD_CMD_NO_JSON,
	.run = run_shell,
};
