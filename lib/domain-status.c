/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a status XML holds around its <domain>. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "domain-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.domain-status");

/* The pid in the attribute @name, 0 when there is no usable one. */
static pid_t pid_attr(const struct vd_xml_node *node, const char *name)
{
	int64_t n;

	if (vd_parse_number(vd_xml_attr(node, name), 10, &n) < 0 || n <= 0 || n > INT_MAX)
		return 0;
	return (pid_t)n;
}

static void parse_vcpus(struct vd_parse *p, const struct vd_xml_node *vcpus)
{
	struct vd_dom_status *status = p->dom->status;
	size_t n = 0;

	VD_XML_EACH(vcpu, vcpus, "vcpu")
	n++;
	if (!n)
		return;
	status->vcpus = calloc(n, sizeof(*status->vcpus));
	if (!status->vcpus) {
		p->rc = -ENOMEM;
		return;
	}
	VD_XML_EACH(vcpu, vcpus, "vcpu")
	{
		int64_t id;

		/* Before libvirt 2.0 the entries had no id: they stood for CPU 0, 1, ... */
		if (vd_parse_number(vd_xml_attr(vcpu, "id"), 10, &id) < 0 || id < 0 || id > INT_MAX)
			id = (int64_t)status->n_vcpus;
		status->vcpus[status->n_vcpus].id = (unsigned)id;
		status->vcpus[status->n_vcpus++].tid = pid_attr(vcpu, "pid");
	}
}

/* The word of a job attribute; "none" is no job. */
static char *job_word(struct vd_parse *p, const struct vd_xml_node *job, const char *name)
{
	const char *word = vd_xml_attr(job, name);

	return word && strcmp(word, "none") != 0 ? vd_parse_dup_nonempty(p, word) : NULL;
}

/*
 * libvirt keeps a <job> only while one of the two kinds lasts that must survive a restart of the daemon: "destroy" as
 * type, and anything asynchronous (migration, save, dump, snapshot, start, backup) as async.
 */
static void parse_job(struct vd_parse *p, const struct vd_xml_node *job)
{
	struct vd_dom_status *status = p->dom->status;
	int64_t started;

	if (!job)
		return;
	status->job = job_word(p, job, "type");
	status->async_job = job_word(p, job, "async");
	status->async_phase = job_word(p, job, "phase");
	status->job_owner = job_word(p, job, "owner");
	status->async_paused = vd_parse_yes_no(job, "asyncPaused") == 1;
	if (vd_parse_number(vd_xml_attr(job, "asyncStarted"), 10, &started) == 0 && started > 0)
		status->async_started_ms = started;
	VLOG_DEBUG("%s: job '%s', asynchronous '%s'", p->file, status->job ? status->job : "none",
	           status->async_job ? status->async_job : "none");
}

void vd_parse_status(struct vd_parse *p, const struct vd_xml_node *domstatus)
{
	struct vd_dom_status *status = calloc(1, sizeof(*status));

	if (!status) {
		p->rc = -ENOMEM;
		return;
	}
	p->dom->status = status;
	status->state = vd_parse_dup_nonempty(p, vd_xml_attr(domstatus, "state"));
	status->reason = vd_parse_dup_nonempty(p, vd_xml_attr(domstatus, "reason"));
	status->pid = pid_attr(domstatus, "pid");
	status->init_pid = pid_attr(vd_xml_child(domstatus, "init"), "pid");
	status->mount_namespace = vd_xml_child(vd_xml_child(domstatus, "namespaces"), "mount") != NULL;
	status->remember_owner = vd_xml_child(domstatus, "rememberOwner") != NULL;
	status->chardev_stdio_logd = vd_xml_child(domstatus, "chardevStdioLogd") != NULL;
	status->lib_dir = vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(domstatus, "libDir"), "path"));
	status->channel_target_dir =
	        vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(domstatus, "channelTargetDir"), "path"));
	status->memory_backing_dir =
	        vd_parse_dup_nonempty(p, vd_xml_attr(vd_xml_child(domstatus, "memoryBackingDir"), "path"));
	status->block_jobs = vd_parse_yes_no(vd_xml_child(domstatus, "blockjobs"), "active") == 1;
	parse_vcpus(p, vd_xml_child(domstatus, "vcpus"));
	parse_job(p, vd_xml_child(domstatus, "job"));
}

void vd_dom_status_free(struct vd_dom_status *status)
{
	if (!status)
		return;
	free(status->state);
	free(status->reason);
	free(status->lib_dir);
	free(status->channel_target_dir);
	free(status->memory_backing_dir);
	free(status->vcpus);
	free(status->job);
	free(status->job_owner);
	free(status->async_job);
	free(status->async_phase);
	free(status);
}
