/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.image.backing");

/* Network protocols that libvirt knows as the scheme of a backing name. */
static const char *const protocols[] = {
	"nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs",
};

static const char *known_protocol(const char *name, size_t len)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(protocols); i++)
		if (strlen(protocols[i]) == len && !memcmp(protocols[i], name, len))
			return protocols[i];
	return NULL;
}

static int no_memory(struct vd_err *err)
{
	return vd_err_set(err, ENOMEM, "no memory for a backing file name");
}

/* A source of @type with a copy of @len bytes of @path, all of it when @len is SIZE_MAX. */
static struct vd_source *make_source(enum vd_source_type type, const char *protocol, const char *path, size_t len)
{
	struct vd_source *source = vd_source_new(type);

	if (!source)
		return NULL;
	source->path = len == SIZE_MAX ? strdup(path) : strndup(path, len);
	if (protocol)
		source->protocol = strdup(protocol);
	if (!source->path || (protocol && !source->protocol)) {
		vd_source_free(source);
		return NULL;
	}
	return source;
}

static int give(struct vd_source *source, struct vd_source **ret_source, struct vd_err *err)
{
	if (!source)
		return no_memory(err);
	*ret_source = source;
	return 0;
}

/* A colon before the first slash makes a name a protocol; "./a:b" is how to write a file with a colon. */
static bool is_file(const char *name)
{
	size_t plain = strcspn(name, ":/");

	return name[plain] != ':';
}

static int parse_path(const char *name, const char *parent, struct vd_source **ret_source, struct vd_err *err)
{
	VD_AUTO_BUF path = VD_BUF_INIT;
	const char *slash = parent ? strrchr(parent, '/') : NULL;
	struct vd_source *source;

	if (name[0] == '/')
		return give(make_source(VD_SOURCE_FILE, NULL, name, SIZE_MAX), ret_source, err);
	/* The directory part of the parent as it is written, less the slashes at its end, as dirname(1) gives it. */
	while (slash && slash > parent && slash[-1] == '/')
		slash--;
	if (!slash) {
		if (vd_buf_addf(&path, "./%s", name) < 0)
			return no_memory(err);
	} else if (vd_buf_add(&path, parent, (size_t)(slash - parent)) < 0 || vd_buf_addf(&path, "/%s", name) < 0) {
		return no_memory(err);
	}
	source = make_source(VD_SOURCE_FILE, NULL, vd_buf_str(&path), SIZE_MAX);
	return give(source, ret_source, err);
}

/* "SCHEME[+TRANSPORT]://HOST/NAME?..." */
static int parse_uri(const char *name, struct vd_source **ret_source, struct vd_err *err)
{
	const char *sep = strstr(name, "://"), *plus = memchr(name, '+', (size_t)(sep - name));
	const char *protocol = known_protocol(name, (size_t)((plus ? plus : sep) - name));
	const char *path;

	if (!protocol)
		return vd_err_set(err, EBADMSG, "the backing file name \"%s\" has the unknown protocol %.*s", name,
		                  (int)(sep - name), name);
	if (plus) {
		size_t len = (size_t)(sep - plus - 1);

		/* libvirt knows rdma, too, and says that it is not supported yet. */
		if (!(len == 3 && !memcmp(plus + 1, "tcp", 3)) && !(len == 4 && !memcmp(plus + 1, "unix", 4)))
			return vd_err_set(err, EBADMSG, "the backing file name \"%s\" has the unknown transport %.*s",
			                  name, (int)len, plus + 1);
	}
	path = strchr(sep + 3, '/');
	path = path ? path + 1 : "";
	return give(make_source(VD_SOURCE_NETWORK, protocol, path, strcspn(path, "?#")), ret_source, err);
}

/* "nbd:HOST:PORT[:exportname=NAME]" or "nbd:unix:PATH[:exportname=NAME]" */
static int parse_nbd(const char *name, struct vd_source **ret_source, struct vd_err *err)
{
	const char *host = name + 4, *second = strchr(host, ':');
	const char *export = strstr(host, ":exportname=");

	if (!second || second == host || !second[1])
		return vd_err_set(err, EBADMSG, "the backing file name \"%s\" is no nbd address", name);
	export = export ? export + strlen(":exportname=") : "";
	return give(make_source(VD_SOURCE_NETWORK, "nbd", export, SIZE_MAX), ret_source, err);
}

/* "rbd:POOL/IMAGE[@SNAPSHOT][:OPTION=VALUE]...", where a backslash protects a colon */
static int parse_rbd(const char *name, struct vd_source **ret_source, struct vd_err *err)
{
	VD_AUTO_BUF path = VD_BUF_INIT;

	for (const char *p = name + 4; *p && *p != ':'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (vd_buf_addc(&path, *p) < 0)
			return no_memory(err);
	}
	return give(make_source(VD_SOURCE_NETWORK, "rbd", vd_buf_str(&path), SIZE_MAX), ret_source, err);
}

static int parse_colon(const char *name, struct vd_source **ret_source, struct vd_err *err)
{
	size_t len = strcspn(name, ":");
	const char *protocol = known_protocol(name, len);

	if (!protocol)
		return vd_err_set(
		        err, EBADMSG,
		        "the backing file name \"%s\" has the unknown protocol %.*s; a file name with a colon "
		        "must be written ./NAME or with its full path",
		        name, (int)len, name);
	if (!strcmp(protocol, "nbd"))
		return parse_nbd(name, ret_source, err);
	if (!strcmp(protocol, "rbd"))
		return parse_rbd(name, ret_source, err);
	return vd_err_set(err, EBADMSG, "the backing file name \"%s\" is malformed for protocol %s", name, protocol);
}

/*
 * json: strings. QEMU writes members nested ({"file":{"driver":"file"}}) or flat ({"file.driver":"file"}), and libvirt
 * unfolds the latter first. Here a member is found under either spelling, so nothing has to be rebuilt.
 */
static const struct vd_value *dig(const struct vd_value *object, const char *path)
{
	const struct vd_value *found;
	char head[64];

	if (vd_value_type(object) != VD_VALUE_OBJECT)
		return NULL;
	found = vd_value_find(object, path);
	if (found)
		return found;
	/* Paths are our own constants with at most three parts: the depth of this is bounded. */
	for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.')) {
		size_t len = (size_t)(dot - path);

		if (len >= sizeof(head))
			return NULL;
		memcpy(head, path, len);
		head[len] = '\0';
		found = vd_value_find(object, head);
		found = found ? dig(found, dot + 1) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

/* Where in the document the description of the storage stands: "" or "file" or "file.file". */
struct json_view {
	const struct vd_value *root;
	const char *prefix;
	const char *name; /* the whole backing name, for messages */
	struct vd_err *err;
};

static const struct vd_value *member(const struct json_view *view, const char *key)
{
	char path[64];
	size_t prefix = strlen(view->prefix), len = strlen(key);

	if (prefix + len + 2 > sizeof(path))
		return NULL;
	memcpy(path, view->prefix, prefix);
	if (prefix)
		path[prefix++] = '.';
	memcpy(path + prefix, key, len + 1);
	return dig(view->root, path);
}

static const char *member_str(const struct json_view *view, const char *key)
{
	return vd_value_get_str(member(view, key), NULL);
}

/* True when @prefix is an object in @object, nested or as flat keys that begin with it. */
static bool has_object(const struct vd_value *object, const char *prefix)
{
	size_t len = strlen(prefix);
	const char *dot;

	if (vd_value_type(dig(object, prefix)) == VD_VALUE_OBJECT)
		return true;
	for (size_t i = 0; i < vd_value_count(object); i++) {
		const char *key = vd_value_key(object, i);

		if (key && !strncmp(key, prefix, len) && key[len] == '.')
			return true;
	}
	dot = strchr(prefix, '.');
	if (dot && !strcmp(prefix, "file.file")) {
		const struct vd_value *file = vd_value_find(object, "file");

		return file && vd_value_type(file) == VD_VALUE_OBJECT && has_object(file, "file");
	}
	return false;
}

static int json_fail(const struct json_view *view, const char *why, const char *what)
{
	return vd_err_set(view->err, EBADMSG, "the backing file name \"%s\" %s%s", view->name, why, what);
}

/*
 * Drivers, what libvirt 9.0.0 demands of each (one of the members between bars), and the member that names the image.
 * An address as one URI in "filename" is the old form of some.
 */
static const struct {
	const char *driver, *needs[3], *path;
} json_drivers[] = {
	{ "http", { "url" }, "url" },
	{ "https", { "url" }, "url" },
	{ "ftp", { "url" }, "url" },
	{ "ftps", { "url" }, "url" },
	{ "tftp", { "url" }, "url" },
	{ "gluster", { "filename|volume", "filename|path", "filename|server" }, "path" },
	{ "iscsi", { "filename|transport", "filename|portal", "filename|target" }, "target" },
	{ "nbd", { "filename|host|path|server" }, "export" },
	{ "sheepdog", { "filename|vdi" }, "vdi" },
	{ "ssh", { "filename|path", "filename|host|server" }, "path" },
	{ "rbd", { "filename|pool", "filename|image" }, "image" },
	{ "nfs", { "server", "path" }, "path" },
	{ "vxhs", { "vdisk-id", "server" }, "vdisk-id" },
};

/* True when one of @names ("a|b") is a member, of any type, nested or flat. */
static bool has_one_of(const struct json_view *view, const char *names)
{
	for (const char *at = names; *at; at += *at == '|') {
		size_t len = strcspn(at, "|");
		VD_AUTO_BUF path = VD_BUF_INIT;

		if (vd_buf_addf(&path, "%s%s%.*s", view->prefix, view->prefix[0] ? "." : "", (int)len, at) < 0)
			return false;
		if (dig(view->root, vd_buf_str(&path)) || has_object(view->root, vd_buf_str(&path)))
			return true;
		at += len;
	}
	return false;
}

static int json_network(const struct json_view *view, const char *driver, struct vd_source **ret_source)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(json_drivers); i++) {
		const char *path;

		if (strcmp(json_drivers[i].driver, driver) != 0)
			continue;
		for (size_t k = 0; k < VD_ARRAY_SIZE(json_drivers[i].needs) && json_drivers[i].needs[k]; k++)
			if (!has_one_of(view, json_drivers[i].needs[k]))
				return json_fail(view, "lacks the member ", json_drivers[i].needs[k]);
		path = member_str(view, json_drivers[i].path);
		return give(make_source(VD_SOURCE_NETWORK, driver, path ? path : "", SIZE_MAX), ret_source, view->err);
	}
	return json_fail(view, "uses a driver that libvirt does not take here: ", driver);
}

static int json_protocol(const struct json_view *view, const char *driver, struct vd_source **ret_source)
{
	bool block = !strcmp(driver, "host_device") || !strcmp(driver, "host_cdrom");

	if (block || !strcmp(driver, "file")) {
		const char *path = member_str(view, "filename");
		VD_AUTO_BUF absolute = VD_BUF_INIT;

		if (!path)
			return json_fail(view, "lacks the member ", "filename");
		/* No parent directory is put in front here: the daemon and QEMU resolve it in their own, which is /. */
		if (vd_buf_addf(&absolute, "%s%s", path[0] == '/' ? "" : "/", path) < 0)
			return no_memory(view->err);
		return give(
		        make_source(block ? VD_SOURCE_BLOCK : VD_SOURCE_FILE, NULL, vd_buf_str(&absolute), SIZE_MAX),
		        ret_source, view->err);
	}
	if (!strcmp(driver, "nvme")) {
		const char *device = member_str(view, "device");

		if (!device || !member(view, "namespace"))
			return json_fail(view, "lacks the member ", device ? "namespace" : "device");
		return give(make_source(VD_SOURCE_NVME, NULL, device, SIZE_MAX), ret_source, view->err);
	}
	return json_network(view, driver, ret_source);
}

/* {"a":{...},"a.b":...}: libvirt does not merge the two. */
static bool has_collision(const struct vd_value *object)
{
	for (size_t i = 0; i < vd_value_count(object); i++) {
		const char *key = vd_value_key(object, i), *dot = key ? strchr(key, '.') : NULL;

		for (size_t k = 0; dot && k < vd_value_count(object); k++) {
			const char *other = vd_value_key(object, k);

			if (other && strlen(other) == (size_t)(dot - key) && !strncmp(other, key, (size_t)(dot - key)))
				return true;
		}
	}
	return false;
}

static int json_source(struct json_view *view, struct vd_source **ret_source)
{
	const char *driver;
	int r;

	if (!member(view, "driver") && has_object(view->root, "file"))
		view->prefix = "file";
	if (has_collision(view->root))
		return json_fail(view, "gives a member both nested and flat", "");
	driver = member_str(view, "driver");
	if (!driver)
		return json_fail(view, "names no driver", "");
	if (strcmp(driver, "raw") != 0)
		return json_protocol(view, driver, ret_source);

	/* The one format driver that libvirt 9.0.0 takes; below it only a protocol may stand. */
	view->prefix = view->prefix[0] ? "file.file" : "file";
	if (!has_object(view->root, view->prefix))
		return json_fail(view, "lacks the member ", "file");
	driver = member_str(view, "driver");
	if (!driver)
		return json_fail(view, "names no driver", "");
	if (!strcmp(driver, "raw"))
		return json_fail(view, "has a format driver inside a format driver", "");
	r = json_protocol(view, driver, ret_source);
	if (r < 0)
		return r;
	(*ret_source)->format = strdup("raw");
	if (!(*ret_source)->format) {
		vd_source_free(*ret_source);
		*ret_source = NULL;
		return no_memory(view->err);
	}
	return 0;
}

static int parse_json(const char *name, struct vd_source **ret_source, struct vd_err *err)
{
	VD_AUTO_VALUE struct vd_value *root = NULL;
	struct json_view view = { NULL, "", name, err };
	struct vd_source *source = NULL;
	int r = vd_json_parse(name + 5, strlen(name + 5), &root, err);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return vd_err_set(err, EBADMSG, "the backing file name \"%s\" is not valid JSON", name);
	if (vd_value_type(root) != VD_VALUE_OBJECT)
		return vd_err_set(err, EBADMSG, "the backing file name \"%s\" is no JSON object", name);
	view.root = root;
	r = json_source(&view, &source);
	if (r == 0)
		*ret_source = source;
	return r;
}

int vd_image_backing_parse(const char *name, const char *parent, struct vd_source **ret_source, struct vd_err *err)
{
	int r;

	if (!name[0])
		return vd_err_set(err, EBADMSG, "the backing file name is empty");
	if (is_file(name))
		r = parse_path(name, parent, ret_source, err);
	else if (!strncmp(name, "json:", 5))
		r = parse_json(name, ret_source, err);
	else if (strstr(name, "://"))
		r = parse_uri(name, ret_source, err);
	else
		r = parse_colon(name, ret_source, err);
	if (r == 0)
		VLOG_DEBUG("backing name \"%s\": %s %s", name,
		           (*ret_source)->protocol ? (*ret_source)->protocol : "local", (*ret_source)->path);
	return r;
}
