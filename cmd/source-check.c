/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtdiag source check: what stands in the way of running a tree. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemons.h"
#include "source.h"

enum {
	COL_SEVERITY,
	COL_ID,
	COL_SUBJECT,
	COL_MESSAGE,
	COL_CONFIDENCE,
	COL_DRIVER,
	COL_GUEST,
	COL_EVIDENCE,
	COL_FIX,
	COL_REFS
};

static const struct vd_col check_cols[] = {
	[COL_SEVERITY] = { "SEVERITY", VD_COL_STR, 0, "fail, warn or info" },
	[COL_ID] = { "ID", VD_COL_STR, 0, "what was found, in a word" },
	[COL_SUBJECT] = { "SUBJECT", VD_COL_STR, 0, "the program, unit or guest" },
	[COL_MESSAGE] = { "MESSAGE", VD_COL_STR, 0, "what was found, and what it leads to" },
	[COL_CONFIDENCE] = { "CONFIDENCE", VD_COL_STR, VD_COL_JSON_ONLY, "certain, likely or possible" },
	[COL_DRIVER] = { "DRIVER", VD_COL_STR, VD_COL_JSON_ONLY, "qemu or lxc" },
	[COL_GUEST] = { "GUEST", VD_COL_STR, VD_COL_JSON_ONLY, "name of the guest" },
	[COL_EVIDENCE] = { "EVIDENCE", VD_COL_VALUE, VD_COL_JSON_ONLY, "where it is seen" },
	[COL_FIX] = { "FIX", VD_COL_VALUE, VD_COL_JSON_ONLY, "commands that mend it" },
	[COL_REFS] = { "REFS", VD_COL_VALUE, VD_COL_JSON_ONLY, "where to read on" },
};

struct check {
	struct vd_ctx *ctx;
	struct vd_report *report;
	struct vd_table *table;
	const struct vd_tree *tree;
	struct vd_strv fixes; /* text lines, printed below the table */
	bool selinux;
};

/* @fix, @undo: argument vectors; NULL: none. */
static struct vd_row *VD_PRINTF(7, 8) found(struct check *c, const char *severity, const char *id, const char *subject,
                                            const char *const *fix, const char *const *undo, const char *fmt, ...)
{
	struct vd_row *row = vd_table_row(c->table, NULL);
	struct vd_value *fixes = vd_value_array(), *item;
	VD_AUTO_FREE char *message = NULL;
	const char *line;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	vd_row_str(row, COL_SEVERITY, severity);
	vd_row_hue(row, COL_SEVERITY, *severity == 'f' ? VD_HUE_BAD : *severity == 'w' ? VD_HUE_WARN : VD_HUE_DIM);
	vd_row_str(row, COL_ID, id);
	vd_row_str(row, COL_SUBJECT, subject);
	vd_row_str(row, COL_MESSAGE, message);
	vd_row_str(row, COL_CONFIDENCE, "certain");
	vd_row_value(row, COL_EVIDENCE, vd_value_array());
	vd_row_value(row, COL_REFS, vd_value_array());
	if (fix) {
		item = vd_value_object();
		if (vd_value_set(item, "command", vd_value_strings(fix)) < 0 ||
		    vd_value_set(item, "risk", vd_value_null()) < 0 ||
		    vd_value_set(item, "undo", undo ? vd_value_strings(undo) : vd_value_array()) < 0 ||
		    vd_value_append(fixes, item) < 0)
			vd_report_missing(c->report, id, "out of memory", true);
		line = vd_shell_line(c->report, fix);
		if (line && vd_strv_add(&c->fixes, line) < 0)
			vd_report_missing(c->report, id, "out of memory", true);
	}
	vd_row_value(row, COL_FIX, fixes);
	if (*severity == 'f')
		vd_report_problem(c->report);
	else if (*severity == 'w')
		vd_report_warning(c->report);
	return row;
}

/* --- the build ---------------------------------------------------------------------------------------------------- */

static void check_built(struct check *c)
{
	const struct vd_tree *t = c->tree;
	const char *const autogen[] = { "env", "-C", t->source, "./autogen.sh", "--system", NULL };
	const char *const ninja[] = { "ninja", "-C", t->build, NULL };
	const char *const make[] = { "make", "-C", t->build, NULL };
	bool meson = t->kind == VD_TREE_MESON, daemon = false;
	VD_AUTO_FREE char *build = NULL;

	if (!t->build) {
		const char *configure[] = { "meson", "setup", "-Dsystem=true", NULL, t->source, NULL };

		if (asprintf(&build, "%s/build", t->source) < 0)
			build = NULL;
		configure[3] = build ? build : "build";
		found(c, "fail", "not-configured", t->source, meson ? configure : autogen, NULL,
		      "it was never configured");
		return;
	}
	for (size_t i = 0; i < t->n_programs; i++)
		daemon |= t->programs[i].role == VD_TREE_DAEMON;
	if (!daemon)
		found(c, "fail", "not-built", t->build, meson ? ninja : make, NULL, "no daemon is built in it");
	if (t->version && t->built_version && strcmp(t->version, t->built_version))
		found(c, "warn", "stale-build", t->build, meson ? ninja : make, NULL,
		      "the sources are libvirt %s, what is built is %s", t->version, t->built_version);
}

static void check_directories(struct check *c)
{
	const struct vd_tree *t = c->tree;
	const char *const meson[] = { "meson", "configure", "-Dsystem=true", t->build, NULL };
	const char *const autogen[] = { "env", "-C", t->source, "./autogen.sh", "--system", NULL };

	if (!t->build || !t->sysconfdir || !t->localstatedir)
		return;
	if (!strcmp(t->sysconfdir, "/etc") && !strcmp(t->localstatedir, "/var"))
		return;
	found(c, "warn", "prefix", t->build, t->kind == VD_TREE_MESON ? meson : autogen, NULL,
	      "built for %s and %s: its daemons do not see the guests and settings below /etc/libvirt and "
	      "/var/lib/libvirt",
	      t->sysconfdir, t->localstatedir);
}

static void check_options(struct check *c)
{
	const struct vd_tree *t = c->tree;

	if (t->with_selinux == 0 && c->selinux)
		found(c, "fail", "no-selinux", t->build, NULL, NULL,
		      "built without the SELinux driver: its daemons label nothing and start guests unconfined");
	if (t->with_qemu == 0 && t->with_lxc == 0)
		found(c, "fail", "no-driver", t->build, NULL, NULL,
		      "built without the QEMU and without the LXC driver");
}

static void check_versions(struct check *c)
{
	const struct vd_host *host = vd_ctx_host(c->ctx);
	const char *version = c->tree->built_version ? c->tree->built_version : c->tree->version;
	char installed[32];
	unsigned tree;

	if (!version || !host->libvirt || vd_version_parse(version, &tree) < 0 || tree == host->libvirt)
		return;
	vd_version_format(host->libvirt, installed);
	if (tree < host->libvirt)
		found(c, "warn", "mixed-version", version, NULL, NULL,
		      "the installed libvirt is %s, newer than the tree: what it wrote about running guests may not be "
		      "understood, and they may be lost from view",
		      installed);
	else
		found(c, "info", "mixed-version", version, NULL, NULL,
		      "the installed libvirt is %s, older than the tree: it may not understand what the tree's daemons "
		      "wrote when it runs again",
		      installed);
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

static void check_labels(struct check *c)
{
	for (size_t i = 0; c->selinux && i < c->tree->n_programs; i++) {
		const struct vd_tree_program *p = &c->tree->programs[i];
		const char *const fix[] = { "chcon", "-t", p->wanted, "--", p->elf, NULL };

		if (vd_source_labelled(p))
			continue;
		found(c, "fail", "label", p->name, fix, NULL,
		      "%s has the label %s, not the type %s: started with it, it does not get into its domain", p->elf,
		      p->label ? p->label : "(none)", p->wanted);
	}
}

static void check_libraries(struct check *c)
{
	const char *const fix[] = { "virtdiag", "source", "label", c->tree->build, NULL };
	VD_AUTO_FREE char *first = NULL;
	size_t wrong = 0;

	for (size_t i = 0; c->selinux && i < c->tree->libraries.len; i++) {
		VD_AUTO_FREE char *label = NULL;

		if (vd_root_label(c->ctx->root, c->tree->libraries.items[i], &label, NULL) == 0 &&
		    vd_tree_has_type(label, VD_TREE_LIBRARY_TYPE))
			continue;
		if (!wrong++)
			first = vd_steal(label);
	}
	if (wrong)
		found(c, "warn", "library-label", "libvirt.so", fix, NULL,
		      "%zu of %zu libraries have a label like %s, not the type %s: a daemon in its domain may not be "
		      "able to "
		      "read them",
		      wrong, c->tree->libraries.len, first ? first : "(none)", VD_TREE_LIBRARY_TYPE);
}

/* A daemon of the tree that runs in the wrong domain: guests that it starts get the wrong one too. */
static void check_domain(struct check *c, const struct vd_daemon *d, const struct vd_daemon_process *p)
{
	const struct vd_tree_program *program = vd_tree_find(c->tree, d->name);
	VD_AUTO_FREE char *wanted = program ? vd_tree_context(program) : NULL;
	const char *type;
	char domain[64];

	if (!c->selinux || !wanted || !p->context)
		return;
	type = strstr(wanted, ":system_r:") + strlen(":system_r:");
	snprintf(domain, sizeof(domain), "%.*s", (int)strcspn(type, ":"), type);
	if (vd_tree_has_type(p->context, domain))
		return;
	found(c, "fail", "domain", d->name, NULL, NULL,
	      "process %ld of the tree runs as %s, not in %s: guests that it starts are confined wrongly or not at "
	      "all; "
	      "start it with 'virtdiag source run'",
	      (long)p->pid, p->context, domain);
}

static void check_daemons(struct check *c)
{
	VD_AUTO_DAEMONS daemons = { 0 };
	size_t len = strlen(c->tree->build);

	if (vd_daemons_load(c->ctx->root, false, NULL, &daemons, NULL) < 0)
		return;
	for (size_t i = 0; i < daemons.len; i++) {
		const struct vd_daemon *d = &daemons.items[i];
		const struct vd_daemon_process *p = vd_daemon_main(d);
		bool ours = p && p->exe && !strncmp(p->exe, c->tree->build, len) && p->exe[len] == '/';

		if (ours)
			check_domain(c, d, p);
		else if (p && vd_tree_find(c->tree, d->name))
			found(c, "warn", "running", d->name, NULL, NULL,
			      "the installed one runs (process %ld): it and the tree's would fight over the same "
			      "sockets "
			      "and guests; 'virtdiag source run' stops it meanwhile",
			      (long)p->pid);
		else if (d->state == VD_DAEMON_WAITING && vd_tree_find(c->tree, d->name))
			found(c, "warn", "socket", d->name, NULL, NULL,
			      "systemd listens on its socket and would start the installed one; 'virtdiag source run' "
			      "stops "
			      "that meanwhile");
	}
}

static void check_containers(struct check *c)
{
	VD_CLEANUP(vd_guests_release) struct vd_guests guests = { 0 };
	const struct vd_tree_program *lxc = vd_tree_find(c->tree, "libvirt_lxc");

	if (!lxc || !vd_ctx_guests(c->ctx, &guests))
		return;
	for (size_t i = 0; i < guests.len; i++) {
		const struct vd_domain *dom = vd_guest_domain(&guests.items[i]);
		VD_AUTO_FREE char *spec = NULL;
		struct vd_row *row;

		if (dom->driver != VD_DRIVER_LXC || (dom->emulator && !strcmp(dom->emulator, lxc->path)))
			continue;
		if (asprintf(&spec, "lxc:%s", dom->name) < 0)
			spec = NULL;
		const char *const fix[] = {
			"virtdiag", "source", "emulator", spec ? spec : dom->name, lxc->path, NULL
		};
		const char *const undo[] = { "virtdiag", "source", "emulator", "--restore", spec ? spec : dom->name,
			                     NULL };
		row = found(
		        c, "warn", "lxc-emulator", dom->name, fix, undo,
		        "its XML names %s: a daemon of the tree would run it with the controller of another libvirt",
		        dom->emulator ? dom->emulator : "no emulator");
		vd_row_str(row, COL_DRIVER, "lxc");
		vd_row_str(row, COL_GUEST, dom->name);
	}
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void header(struct check *c)
{
	const struct vd_tree *t = c->tree;
	VD_AUTO_BUF names = VD_BUF_INIT;

	vd_report_line(c->report, "%s  libvirt %s, %s, %s%s", vd_esc(c->report, t->source),
	               t->version ? vd_esc(c->report, t->version) : "of unknown version", vd_tree_kind_name(t->kind),
	               t->build ? "built in " : "not configured", t->build ? vd_esc(c->report, t->build) : "");
	if (t->sysconfdir && t->localstatedir)
		vd_report_line(c->report, "directories  prefix %s, %s, %s",
		               t->prefix ? vd_esc(c->report, t->prefix) : "unknown", vd_esc(c->report, t->sysconfdir),
		               vd_esc(c->report, t->localstatedir));
	for (size_t i = 0; i < t->n_programs; i++)
		if (vd_buf_addf(&names, "%s%s", i ? ", " : "", t->programs[i].name) < 0)
			break;
	if (names.len)
		vd_report_line(c->report, "programs  %s", vd_buf_str(&names));
	vd_report_line(c->report, "%s", "");
}

static void add_programs(struct check *c)
{
	struct vd_value *programs = vd_value_array();

	for (size_t i = 0; i < c->tree->n_programs; i++) {
		const struct vd_tree_program *p = &c->tree->programs[i];
		struct vd_value *item = vd_value_object();

		if (vd_value_set(item, "name", vd_value_str(p->name)) < 0 ||
		    vd_value_set(item, "path", vd_value_str(p->path)) < 0 ||
		    vd_value_set(item, "executes", vd_value_str(p->elf)) < 0 ||
		    vd_value_set(item, "label", vd_value_str(p->label)) < 0 ||
		    vd_value_set(item, "type", vd_value_str(p->wanted)) < 0 || vd_value_append(programs, item) < 0)
			break;
	}
	vd_report_extra(c->report, "programs", programs);
	vd_report_extra(c->report, "build", vd_value_str(c->tree->build));
	vd_report_extra(c->report, "tree_version", vd_value_str(c->tree->version));
}

static enum vd_exit run_check(struct vd_ctx *ctx, int argc VD_UNUSED, char **argv)
{
	VD_AUTO_TREE tree = { 0 };
	struct check c = { .ctx = ctx, .tree = &tree };
	enum vd_exit status = vd_source_load(ctx, argv[0], false, &tree);

	if (status != VD_EXIT_OK)
		return status;
	c.selinux = vd_source_selinux(ctx);
	c.report = vd_report_new(ctx);
	header(&c);
	c.table = vd_report_table(c.report, "findings", NULL, 0);
	check_built(&c);
	check_versions(&c);
	if (tree.build) {
		check_directories(&c);
		check_options(&c);
		check_labels(&c);
		check_libraries(&c);
		check_daemons(&c);
		check_containers(&c);
	}
	add_programs(&c);
	if (c.fixes.len)
		vd_report_line(c.report, "%s", "");
	for (size_t i = 0; i < c.fixes.len; i++)
		vd_report_line(c.report, "fix  %s", c.fixes.items[i]);
	if (!c.selinux)
		vd_report_line(c.report, "SELinux is off here: labels were not judged.");
	vd_strv_release(&c.fixes);
	return vd_report_finish(c.report);
}

static const struct vd_arg check_args[] = { VD_SOURCE_ARG_TREE, { 0 } };

static const char *const check_examples[] = {
	"virtdiag source check ~/src/libvirt",
	"is this tree fit to serve the guests of this host",
	NULL,
};

const struct vd_cmd vd_source_check = {
	.name = "check",
	.summary = "find what stands in the way of running a tree",
	.description =
	        "Looks at the build (configured, built, for which directories, with which drivers), at versions that "
	        "would be mixed, at the SELinux types of its programs, at installed daemons that serve the same "
	        "guests, and at containers whose XML names another libvirt_lxc.",
	.examples = check_examples,
	.args = check_args,
	.rows = "findings",
	.flags = VD_CMD_TABLE,
	.cols = check_cols,
	.n_cols = VD_ARRAY_SIZE(check_cols),
	.run = run_check,
};
