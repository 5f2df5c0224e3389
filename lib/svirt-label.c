/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "svirt-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.svirt.label");

/*
 * What every policy with libvirt support has in its contexts files. Used for what libvirt would set where the policy
 * itself cannot be read.
 */
#define USUAL_PROCESS "system_u:system_r:svirt_t:s0"
#define USUAL_IMAGE   "system_u:object_r:svirt_image_t:s0"
#define USUAL_CONTENT "system_u:object_r:virt_content_t:s0"

/* <seclabel> as libvirt understands it, its defaults filled in. */
struct domain_label {
	enum vd_seclabel_type type;
	bool relabel;
	const char *label, *imagelabel, *baselabel;
};

static void refuse(struct vd_svirt_run *run, const char *sentence)
{
	/* Only a start can be refused, and the first reason is the one that the user meets. */
	if (!run->running && !run->refused)
		run->refused = sentence;
}

/*
 * @context with the sensitivity of its range and @categories (may be NULL) as its range, and the type of @base unless
 * that is NULL: of a <baselabel> libvirt takes the type and nothing else.
 */
static int with_categories(const char *context, const char *base, const char *categories, char **ret_context)
{
	struct vd_context c = { 0 }, b = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_catset set;
	char sens[16] = "s0";
	int r = vd_context_parse(context, &c);

	if (r == 0 && base && vd_context_parse(base, &b) == -ENOMEM)
		r = -ENOMEM;
	/* What is no context is passed on as it is: libvirt fails over it at start. */
	if (r == -EINVAL || (r == 0 && c.range && vd_range_parse(c.range, sens, &set) < 0))
		r = vd_buf_adds(&text, context);
	else if (r == 0)
		r = vd_buf_addf(&text, "%s:%s:%s:%s%s%s", c.user, c.role, b.type ? b.type : c.type, sens,
		                categories ? ":" : "", categories ? categories : "");
	vd_context_release(&c);
	vd_context_release(&b);
	if (r < 0)
		return r;
	*ret_context = vd_buf_steal(&text);
	return *ret_context ? 0 : -ENOMEM;
}

/* @context with the range of @label. */
static int with_range_of(const char *context, const char *label, char **ret_context)
{
	struct vd_context c = { 0 }, l = { 0 };
	VD_AUTO_BUF text = VD_BUF_INIT;
	int r = vd_context_parse(context, &c);

	if (r == 0)
		r = vd_context_parse(label, &l);
	if (r == 0)
		r = vd_buf_addf(&text, "%s:%s:%s%s%s", c.user, c.role, c.type, l.range ? ":" : "",
		                l.range ? l.range : "");
	else if (r == -EINVAL)
		r = vd_buf_adds(&text, context);
	vd_context_release(&c);
	vd_context_release(&l);
	if (r < 0)
		return r;
	*ret_context = vd_buf_steal(&text);
	return *ret_context ? 0 : -ENOMEM;
}

/* Whether a finished context has categories of its own. */
static enum vd_categories categories_of(const char *context)
{
	struct vd_context c = { 0 };
	struct vd_catset set;
	char sens[16];
	bool has = vd_context_parse(context, &c) == 0 && c.range && vd_range_parse(c.range, sens, &set) == 0 &&
	           !vd_catset_empty(&set);

	vd_context_release(&c);
	return has ? VD_CATEGORIES_FIXED : VD_CATEGORIES_NONE;
}

static const char *process_context(const struct vd_svirt_run *run)
{
	const struct vd_svirt_settings *s = run->settings;

	if (run->domain->driver == VD_DRIVER_LXC)
		return s->lxc_process;
	/* The second line is for guests without hardware virtualisation; without one the first serves all. */
	if (run->domain->virt_type && !strcmp(run->domain->virt_type, "qemu") && s->domain_context_tcg)
		return s->domain_context_tcg;
	return s->domain_context ? s->domain_context : USUAL_PROCESS;
}

static const char *image_context(const struct vd_svirt_run *run)
{
	if (run->domain->driver == VD_DRIVER_LXC)
		return run->settings->lxc_file;
	return run->settings->image_context ? run->settings->image_context : USUAL_IMAGE;
}

/* Is the selinux driver the one that libvirt uses for this guest? */
static bool driver_active(const struct vd_svirt_run *run)
{
	const struct vd_svirt_settings *s = run->settings;
	bool lxc = run->domain->driver == VD_DRIVER_LXC;
	bool selinux = lxc ? s->lxc_selinux : s->qemu_selinux, set = lxc ? s->lxc_driver_set : s->qemu_driver_set;

	/* Probed on a host without SELinux: the labels are still shown, as what a start under SELinux would set. */
	return selinux || !set;
}

static void check_duplicates(struct vd_svirt_run *run)
{
	const struct vd_domain *d = run->domain;

	for (size_t i = 0; i < d->n_seclabels; i++) {
		if (!d->seclabels[i].model && d->n_seclabels > 1)
			refuse(run,
			       "of several <seclabel> elements one has no model: libvirt does not accept this XML");
		for (size_t k = 0; k < i; k++)
			if (d->seclabels[i].model && d->seclabels[k].model &&
			    !strcmp(d->seclabels[i].model, d->seclabels[k].model))
				refuse(run,
				       "two <seclabel> elements have the same model: libvirt does not accept this XML");
	}
}

/* Can libvirt use the security model that a <seclabel> names? dac always; apparmor in the end only the kernel tells. */
static bool model_available(const struct vd_svirt_run *run, const char *model, bool active)
{
	const struct vd_svirt_settings *s = run->settings;

	if (!strcmp(model, "selinux"))
		return active;
	if (strcmp(model, "apparmor") != 0 || run->domain->driver == VD_DRIVER_LXC)
		return true;
	/* Probing takes the first that is in force, and selinux is asked first. */
	return s->qemu_driver_set ? s->qemu_apparmor : s->selinux < 0;
}

static void check_models(struct vd_svirt_run *run, bool active)
{
	const struct vd_domain *d = run->domain;
	bool lxc = d->driver == VD_DRIVER_LXC;
	bool require = lxc ? run->settings->lxc_require_confined : run->settings->qemu_require_confined;

	for (size_t i = 0; i < d->n_seclabels; i++) {
		const struct vd_seclabel *label = &d->seclabels[i];

		if (label->type == VD_SECLABEL_NONE && require)
			refuse(run, "unconfined guests are not allowed on this host (security_require_confined)");
		if (label->model && !model_available(run, label->model, active))
			refuse(run, !strcmp(label->model, "selinux")
			                    ? "security driver model 'selinux' is not available"
			                    : "security driver model 'apparmor' is not available");
		if (!label->model && (label->type == VD_SECLABEL_STATIC || label->baselabel))
			refuse(run, "<seclabel> without a model: libvirt does not accept this XML");
	}
}

static bool has_range(const char *label)
{
	struct vd_context c = { 0 };
	bool has = vd_context_parse(label, &c) == 0 && c.range;

	vd_context_release(&c);
	return has;
}

static void check_label(struct vd_svirt_run *run, const struct vd_seclabel *label)
{
	if (!label)
		return;
	if (label->type == VD_SECLABEL_DYNAMIC && label->relabel == 0)
		refuse(run, "dynamic <seclabel> with relabel='no': libvirt does not accept this XML");
	if (label->type == VD_SECLABEL_NONE && label->relabel == 1)
		refuse(run, "<seclabel type='none'> with relabel='yes': libvirt does not accept this XML");
	if (label->type == VD_SECLABEL_STATIC && !label->label)
		refuse(run, "static <seclabel> without <label>: libvirt does not accept this XML");
	if (label->type == VD_SECLABEL_STATIC && label->label && !has_range(label->label))
		refuse(run,
		       "the static label has no range (such as s0): libvirt cannot make the label of files from it");
}

static void check_source(struct vd_svirt_run *run, const struct vd_source *source, bool active, bool relabel)
{
	for (size_t i = 0; i < source->n_seclabels; i++) {
		const struct vd_dev_seclabel *own = &source->seclabels[i];

		if (!own->model)
			refuse(run,
			       "a device's <seclabel> has no model: security driver model '(null)' is not available");
		else if (!model_available(run, own->model, active))
			refuse(run, "a device's <seclabel> asks for a security driver model that is not available");
		if (own->relabel == 0 && own->label)
			refuse(run,
			       "a device's <seclabel> has a <label> and relabel='no': libvirt does not accept this "
			       "XML");
		if (own->model && !strcmp(own->model, "selinux") && active && !relabel)
			refuse(run, "a device's <seclabel> overrides labelling that the guest's <seclabel> turns off: "
			            "libvirt does not accept this XML");
	}
}

static void check_devices(struct vd_svirt_run *run, bool active, bool relabel)
{
	for (size_t i = 0; i < run->domain->n_resources; i++) {
		const struct vd_source *source = run->domain->resources[i].source;

		/* XML is nested at most VD_XML_DEPTH deep, so this ends. */
		for (; source; source = source->backing)
			check_source(run, source, active, relabel);
	}
}

static bool default_confined(const struct vd_svirt_run *run)
{
	return run->domain->driver == VD_DRIVER_LXC ? run->settings->lxc_default_confined
	                                            : run->settings->qemu_default_confined;
}

/*
 * The guest's <seclabel> for selinux. One of model 'none' is not for it: libvirt 9.0.0 then makes a dynamic label as if
 * nothing were written.
 */
static const struct vd_seclabel *written_label(const struct vd_svirt_run *run)
{
	const struct vd_seclabel *written = vd_domain_seclabel(run->domain, "selinux");

	return written && written->model && !strcmp(written->model, "none") ? NULL : written;
}

static struct domain_label effective_label(const struct vd_svirt_run *run)
{
	const struct vd_seclabel *written = written_label(run);
	struct domain_label label = { VD_SECLABEL_DYNAMIC, true, NULL, NULL, NULL };

	if (!written) {
		/*
		 * A running guest without one was started while libvirt did not use SELinux. Where SELinux is not
		 * active at all, that says nothing of the guest: then it is told what libvirt would set if it were.
		 */
		if ((run->running && run->settings->selinux >= 0) || !default_confined(run))
			label.type = VD_SECLABEL_NONE;
	} else {
		label.type = written->type;
		label.label = written->label;
		label.imagelabel = written->imagelabel;
		label.baselabel = written->baselabel;
		label.relabel = written->type == VD_SECLABEL_STATIC ? written->relabel == 1 : written->relabel != 0;
	}
	if (label.type == VD_SECLABEL_NONE)
		label.relabel = false;
	return label;
}

/* A label is final: of a running guest, or written in the XML. */
static int fixed_labels(struct vd_svirt_run *run, const struct domain_label *label)
{
	const char *image = image_context(run);

	run->out->process = strdup(label->label);
	if (!run->out->process)
		return -ENOMEM;
	run->out->process_categories = categories_of(label->label);
	if (run->running && label->imagelabel) {
		run->image = strdup(label->imagelabel);
		if (!run->image)
			return -ENOMEM;
	} else if (image) {
		int r = with_range_of(image, label->label, &run->image);

		if (r < 0)
			return r;
	}
	if (run->image)
		run->image_categories = categories_of(run->image);
	return 0;
}

/* Libvirt draws two categories at start, or they are given. */
static int drawn_labels(struct vd_svirt_run *run, const struct domain_label *label)
{
	enum vd_categories categories = run->override ? VD_CATEGORIES_FIXED : VD_CATEGORIES_AT_START;
	const char *process = process_context(run);
	const char *image = image_context(run);
	int r = 0;

	if (process)
		r = with_categories(process, label->baselabel, run->override, &run->out->process);
	if (r == 0 && image)
		r = with_categories(image, NULL, run->override, &run->image);
	run->out->process_categories = run->out->process ? categories : VD_CATEGORIES_NONE;
	run->image_categories = categories;
	return r;
}

static void explain_off(struct vd_svirt_run *run, const struct domain_label *label, bool active)
{
	if (!active)
		run->off_note = "libvirt's selinux driver is turned off (security_driver)";
	else if (label->type == VD_SECLABEL_NONE && run->running && !written_label(run))
		run->off_note = "the guest was started without a SELinux label";
	else if (label->type == VD_SECLABEL_NONE)
		run->off_note = "the guest is not confined by SELinux, so its files are not labelled";
	else
		run->off_note = "the guest's <seclabel> turns relabelling off: its label must be set by hand";
}

int vd_svirt_labels(struct vd_svirt_run *run)
{
	struct domain_label label = effective_label(run);
	const struct vd_seclabel *written = written_label(run);
	/* A running guest keeps the labels of its start, whatever the configuration says now. */
	bool active = run->running || driver_active(run);
	int r = 0;

	run->shared = image_context(run);
	run->content = run->settings->content_context ? run->settings->content_context : USUAL_CONTENT;
	check_duplicates(run);
	check_models(run, active);
	check_label(run, written);
	check_devices(run, active, label.relabel);
	if (active && label.type != VD_SECLABEL_NONE) {
		run->out->confined = true;
		run->drawn = label.type == VD_SECLABEL_DYNAMIC;
		if (label.label && (run->running || label.type == VD_SECLABEL_STATIC))
			r = fixed_labels(run, &label);
		else if (label.type == VD_SECLABEL_DYNAMIC)
			r = drawn_labels(run, &label);
	}
	if (r < 0)
		return r;
	if (run->refused) {
		run->out->refused = strdup(run->refused);
		if (!run->out->refused)
			return -ENOMEM;
	}
	run->labelling = run->out->confined && label.relabel && run->image;
	if (!run->labelling)
		explain_off(run, &label, active);
	VLOG_DEBUG("%s: process %s, files %s", run->domain->name, run->out->process ? run->out->process : "unconfined",
	           run->labelling ? run->image : "left alone");
	return 0;
}

const struct vd_dev_seclabel *vd_svirt_own_seclabel(const struct vd_source *source)
{
	for (size_t i = 0; i < source->n_seclabels; i++)
		if (source->seclabels[i].model && !strcmp(source->seclabels[i].model, "selinux"))
			return &source->seclabels[i];
	return NULL;
}
