/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.command");

/* --- messages -------------------------------------------------------------------------------------------------- */

/*
 * One line on stderr, whatever the text holds: a name from the host must not move the cursor or fake a line. An error
 * is kept in @said for the JSON document; NULL: it is none, or nobody keeps it.
 */
static void VD_PRINTF(3, 0) message(struct vd_said *said, const char *prefix, const char *fmt, va_list ap)
{
	VD_AUTO_FREE char *text = NULL;
	VD_AUTO_BUF line = VD_BUF_INIT;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	if (vd_buf_adds(&line, prefix) < 0 || vd_buf_add_escaped(&line, text, strlen(text)) < 0 ||
	    vd_buf_addc(&line, '\n') < 0)
		return;
	/* What was found so far comes first when both streams end up in one place. */
	fflush(stdout);
	fwrite(line.data, 1, line.len, stderr);
	if (said && vd_strv_add(&said->errors, text) < 0)
		VLOG_WARN("no memory to keep a message for the JSON document");
}

void vd_error(const struct vd_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(ctx->said, "virtdiag: ", fmt, ap);
	va_end(ap);
}

void vd_warn(const struct vd_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet)
		return;
	va_start(ap, fmt);
	message(NULL, "virtdiag: warning: ", fmt, ap);
	va_end(ap);
}

static void point_to_help(const struct vd_ctx *ctx)
{
	fprintf(stderr, "Try 'virtdiag %s%s--help'.\n", ctx->command_name ? ctx->command_name : "",
	        ctx->command_name ? " " : "");
}

enum vd_exit vd_usage(const struct vd_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(ctx->said, "virtdiag: ", fmt, ap);
	va_end(ap);
	point_to_help(ctx);
	return VD_EXIT_USAGE;
}

void vd_sudo_hint(const struct vd_ctx *ctx)
{
	VD_AUTO_BUF line = VD_BUF_INIT;

	if (ctx->root_dir || geteuid() == 0 || (ctx->said && ctx->said->hint))
		return;
	for (int i = 0; i < ctx->argc; i++)
		if (vd_buf_addc(&line, ' ') < 0 || vd_buf_add_shell(&line, ctx->argv[i]) < 0)
			return;
	fprintf(stderr, "virtdiag: root may do more: sudo%s\n", vd_buf_str(&line));
	if (ctx->said)
		ctx->said->hint = true;
}

enum vd_exit vd_fail(const struct vd_ctx *ctx, const struct vd_err *err)
{
	vd_error(ctx, "%s", vd_err_text(err));
	if (err->code == EACCES || err->code == EPERM)
		vd_sudo_hint(ctx);
	return VD_EXIT_UNKNOWN;
}

/* --- values ---------------------------------------------------------------------------------------------------- */

/* The last value of option @name. A name that the command's table does not hold is a bug of the command. */
static const struct vd_opt *find_opt(const struct vd_ctx *ctx, const char *name)
{
	const struct vd_opt *o = ctx->cmd->opts;

	while (o && o->name && strcmp(o->name, name))
		o++;
	if (!o || !o->name) {
		fprintf(stderr, "virtdiag: bug: '%s' has no option --%s\n", ctx->command_name, name);
		abort();
	}
	return o;
}

static const struct vd_optval *find_value(const struct vd_ctx *ctx, const char *name)
{
	const struct vd_opt *o = find_opt(ctx, name);

	for (size_t i = ctx->n_values; i > 0; i--)
		if (ctx->values[i - 1].opt == o)
			return &ctx->values[i - 1];
	return NULL;
}

bool vd_opt_given(const struct vd_ctx *ctx, const char *name)
{
	return find_value(ctx, name);
}

const char *vd_opt_str(const struct vd_ctx *ctx, const char *name, const char *fallback)
{
	const struct vd_optval *v = find_value(ctx, name);

	return v && v->value ? v->value : fallback;
}

const char *vd_opt_str_at(const struct vd_ctx *ctx, const char *name, size_t n)
{
	const struct vd_opt *o = find_opt(ctx, name);

	for (size_t i = 0; i < ctx->n_values; i++)
		if (ctx->values[i].opt == o && !n--)
			return ctx->values[i].value;
	return NULL;
}

long vd_opt_num(const struct vd_ctx *ctx, const char *name, long fallback)
{
	const struct vd_optval *v = find_value(ctx, name);

	return v && v->value ? v->number : fallback;
}

int64_t vd_opt_duration(const struct vd_ctx *ctx, const char *name, int64_t fallback)
{
	const struct vd_optval *v = find_value(ctx, name);

	return v && v->value ? v->usec : fallback;
}

/* --- host and guests ------------------------------------------------------------------------------------------- */

const struct vd_host *vd_ctx_host(struct vd_ctx *ctx)
{
	if (!ctx->host_loaded && ctx->root && vd_host_load(ctx->root, &ctx->host) < 0)
		memset(&ctx->host, 0, sizeof(ctx->host));
	ctx->host_loaded = true;
	return &ctx->host;
}

bool vd_ctx_guests(struct vd_ctx *ctx, struct vd_guests *ret_guests)
{
	struct vd_guests_options options = { .session_user = ctx->session_user, .use_session = ctx->use_session };
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (vd_guests_load(ctx->root, &options, ret_guests, &err) < 0) {
		vd_fail(ctx, &err);
		return false;
	}
	return true;
}

/* Nobody is called @spec: say who is near, and whose files could not be read, because the guest may be among them. */
static enum vd_exit no_such_guest(struct vd_ctx *ctx, const struct vd_guests *guests, const char *spec)
{
	VD_AUTO_BUF names = VD_BUF_INIT;
	const char *near[3];
	bool denied = false;
	size_t n = vd_guests_suggest(guests, spec, near, VD_ARRAY_SIZE(near));

	for (size_t i = 0; i < n; i++)
		if (vd_buf_addf(&names, "%s'%s'", i ? ", " : "", near[i]) < 0)
			break;
	if (n)
		vd_error(ctx, "no guest '%s'; did you mean %s?", spec, vd_buf_str(&names));
	else
		vd_error(ctx, "no guest '%s'%s", spec, guests->len ? "" : ": no guests were found at all");
	for (size_t i = 0; i < guests->n_problems; i++) {
		const struct vd_guest_problem *p = &guests->problems[i];

		vd_error(ctx, "%s could not be examined: %s", p->path, p->why);
		denied |= p->code == EACCES || p->code == EPERM;
	}
	if (denied)
		vd_sudo_hint(ctx);
	return VD_EXIT_UNKNOWN;
}

static enum vd_exit ambiguous_guest(struct vd_ctx *ctx, const char *spec, const struct vd_guest **found, size_t n)
{
	VD_AUTO_BUF names = VD_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct vd_domain *d = vd_guest_domain(found[i]);

		if (vd_buf_addf(&names, "%s%s:%s", i ? ", " : "", vd_driver_name(d->driver), vd_guest_name(found[i])) <
		    0)
			break;
	}
	vd_error(ctx, "'%s' is ambiguous; write one of %s", spec, vd_buf_str(&names));
	return VD_EXIT_USAGE;
}

enum vd_exit vd_pick_guests(struct vd_ctx *ctx, const struct vd_guests *guests, int argc, char **argv,
                            const struct vd_guest ***ret_picked, size_t *ret_count)
{
	size_t max = argc ? (size_t)argc : guests->len, count = 0;
	VD_AUTO_FREE const struct vd_guest **picked = calloc(max ? max : 1, sizeof(const struct vd_guest *));
	enum vd_exit status = VD_EXIT_OK;

	if (!picked) {
		vd_error(ctx, "out of memory");
		return VD_EXIT_UNKNOWN;
	}
	for (size_t i = 0; !argc && i < guests->len; i++)
		picked[count++] = &guests->items[i];
	for (int i = 0; i < argc; i++) {
		const struct vd_guest *found[8];
		size_t n = vd_guests_find(guests, argv[i], found, VD_ARRAY_SIZE(found)), k = 0;
		enum vd_exit this = VD_EXIT_OK;

		if (n == 0)
			this = no_such_guest(ctx, guests, argv[i]);
		else if (n > 1)
			this = ambiguous_guest(ctx, argv[i], found,
			                       n < VD_ARRAY_SIZE(found) ? n : VD_ARRAY_SIZE(found));
		if (status == VD_EXIT_OK || this == VD_EXIT_USAGE)
			status = this;
		/* A guest that was named twice is examined once. */
		while (this == VD_EXIT_OK && k < count && picked[k] != found[0])
			k++;
		if (this == VD_EXIT_OK && k == count)
			picked[count++] = found[0];
	}
	if (status != VD_EXIT_OK)
		return status;
	VLOG_DEBUG("%zu of %zu guests picked", count, guests->len);
	*ret_picked = vd_steal(picked);
	*ret_count = count;
	return VD_EXIT_OK;
}

enum vd_exit vd_ctx_open_root(struct vd_ctx *ctx)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r;

	if (ctx->pid)
		r = vd_root_open_pid((pid_t)ctx->pid, &ctx->root, &err);
	else
		r = vd_root_open(ctx->root_dir, 0, &ctx->root, &err);
	return r < 0 ? vd_fail(ctx, &err) : VD_EXIT_OK;
}

void vd_ctx_release(struct vd_ctx *ctx)
{
	vd_root_free(ctx->root);
	if (ctx->host_loaded)
		vd_host_release(&ctx->host);
	free(ctx->values);
	free(ctx->command_name);
	memset(ctx, 0, sizeof(*ctx));
}

/* --- running a command line ------------------------------------------------------------------------------------ */

/* A log string that cannot be read, with a caret below the part at fault. */
static enum vd_exit bad_log_string(struct vd_ctx *ctx, const char *what, const char *value,
                                   const struct vlog_error *error)
{
	VD_AUTO_BUF line = VD_BUF_INIT, mark = VD_BUF_INIT;

	vd_error(ctx, "%s: %s", what, error->message);
	/* Escapes widen the text, so the caret is placed by what is printed before it. */
	if (value && error->length && error->offset <= strlen(value) &&
	    vd_buf_add_escaped(&mark, value, error->offset) == 0 &&
	    vd_buf_add_escaped(&line, value, strlen(value)) == 0)
		fprintf(stderr, "  %s\n  %*s^\n", vd_buf_str(&line), (int)mark.len, "");
	point_to_help(ctx);
	return VD_EXIT_USAGE;
}

static enum vd_exit setup_log(struct vd_parse *p)
{
	struct vlog_error error = { 0 };

	if (p->ctx->verbose && vlog_set_default_level(VLOG_LEVEL_INFO) < 0)
		return VD_EXIT_UNKNOWN;
	if (vlog_init_from_env("VIRTDIAG", &error) < 0)
		return bad_log_string(p->ctx, "environment", NULL, &error);
	if (p->ctx->log_filters && vlog_set_filters(p->ctx->log_filters, &error) < 0)
		return bad_log_string(p->ctx, "--log-filters", p->ctx->log_filters, &error);
	if (p->ctx->log_outputs && vlog_set_outputs(p->ctx->log_outputs, &error) < 0)
		return bad_log_string(p->ctx, "--log-outputs", p->ctx->log_outputs, &error);
	return VD_EXIT_OK;
}

static enum vd_exit execute(struct vd_parse *p)
{
	struct vd_ctx *ctx = p->ctx;
	enum vd_exit status = VD_EXIT_OK;

	if (p->want_help) {
		vd_help_print(stdout, p->group, p->cmd);
		return VD_EXIT_OK;
	}
	if (p->want_version) {
		puts("virtdiag " VD_VERSION_STRING);
		return VD_EXIT_OK;
	}
	status = setup_log(p);
	if (status == VD_EXIT_OK && !(ctx->cmd->flags & VD_CMD_NO_HOST))
		status = vd_ctx_open_root(ctx);
	if (status != VD_EXIT_OK)
		return status;
	VLOG_DEBUG("running '%s' with %d operands", ctx->command_name, p->n_operands);
	return ctx->cmd->run(ctx, p->n_operands, p->operands);
}

enum vd_exit vd_run(int argc, char **argv)
{
	struct vd_said said = { 0 };
	struct vd_ctx ctx = { .argc = argc, .argv = argv, .said = &said };
	struct vd_parse p = { .ctx = &ctx };
	enum vd_exit status = VD_EXIT_OK;

	for (int i = 1; i < argc; i++) {
		if (status == VD_EXIT_OK)
			status = vd_parse_word(&p, argv[i]);
		else if (!strcmp(argv[i], "--json"))
			ctx.json = true; /* it counts for the errors before it too */
	}
	if (status == VD_EXIT_OK && !p.pending && !p.group && !p.cmd && !p.want_help && !p.want_version) {
		if (!ctx.json)
			vd_help_short(stderr);
		status = ctx.json ? vd_usage(&ctx, "no command was given") : VD_EXIT_USAGE;
	}
	if (status == VD_EXIT_OK)
		status = vd_parse_finish(&p);
	if (status == VD_EXIT_OK)
		status = execute(&p);
	if (ctx.json && said.errors.len && !said.json)
		vd_report_failure(&ctx);
	vd_parse_release(&p);
	vd_ctx_release(&ctx);
	vd_strv_release(&said.errors);
	return status;
}

enum vd_exit vd_close_stdout(enum vd_exit status)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) != 0)
		failed = true;
	if (!failed)
		return status;
	/* EPIPE is seen only where SIGPIPE is blocked: the reader has gone and wants no message. */
	if (errno != EPIPE)
		fprintf(stderr, "virtdiag: cannot write the output%s%s\n", errno ? ": " : "",
		        errno ? strerror(errno) : "");
	return VD_EXIT_UNKNOWN;
}
