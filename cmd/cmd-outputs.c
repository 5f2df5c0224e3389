/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"
#include "log-strings.h"

static enum vd_exit run_check(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_CATALOGUE catalogue = VD_CATALOGUE_INIT;
	enum vd_exit status = vd_load_catalogue(ctx, &catalogue);
	struct vd_report *report;

	if (status != VD_EXIT_OK)
		return status;
	report = vd_string_report_new(ctx, &catalogue);
	for (int i = 0; i < argc; i++) {
		VD_AUTO_FILTERS outputs = VD_FILTERS_INIT;
		VD_AUTO_FILTER_WARNINGS warnings = VD_FILTER_WARNINGS_INIT;

		vd_parse_string_as(VD_LOG_OUTPUTS, catalogue.version, argv[i], &outputs);
		if (vd_outputs_check(&outputs, ctx->root, &warnings) < 0)
			vd_report_missing(report, argv[i], "no memory", true);
		if (i)
			vd_report_line(report, "%s", "");
		vd_report_string(ctx, report, &catalogue, &outputs, &warnings);
	}
	return vd_report_finish(report);
}

static const struct vd_opt check_opts[] = { VD_OPT_LIBVIRT, { 0 } };

static const struct vd_arg check_args[] = {
	{ .name = "STRING", .type = VD_OPT_OUTPUTS, .repeats = true, .help = "a log output string" },
	{ 0 },
};

static const char *const check_examples[] = {
	"virtdiag outputs check '1:file:/var/log/libvirt/virtqemud.log 3:journald'",
	"debug to a file, warnings to the journal",
	NULL,
};

static const struct vd_cmd cmd_check = {
	.name = "check",
	.summary = "judge log output strings as libvirt does",
	.description = "Parses each STRING exactly as libvirt does, points at what is wrong, and warns of what libvirt "
	               "accepts silently but you can hardly mean. Whether a directory exists is looked up on the host.",
	.examples = check_examples,
	.opts = check_opts,
	.args = check_args,
	.rows = "strings",
	.flags = VD_CMD_TABLE,
	.cols = vd_output_string_cols,
	.n_cols = VD_N_STRING_COLS,
	.run = run_check,
};

extern const struct vd_cmd vd_cmd_outputs_show;

static const struct vd_cmd *const verbs[] = { &cmd_check, &vd_cmd_outputs_show, NULL };

extern const struct vd_cmd vd_cmd_outputs;

const struct vd_cmd vd_cmd_outputs = {
	.name = "outputs",
	.summary = "check log output strings of libvirt and show those in force",
	.description = "Log outputs decide where libvirt's messages go and from which level on.",
	.verbs = verbs,
};
