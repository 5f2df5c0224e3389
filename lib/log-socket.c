/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "log-internal.h"

const char *vlog_journald_path = "/run/systemd/journal/socket";
const char *vlog_syslog_path = "/dev/log";

/* MESSAGE takes four parts, the other fields two each and a newline between. */
#define MAX_PARTS       24
/* What every syslog daemon takes, when the whole message is more than the socket takes. */
#define SYSLOG_CUT      8000
#define FACILITY_DAEMON 3

struct parts {
	struct iovec part[MAX_PARTS];
	size_t count;
};

int vlog_socket_new(void)
{
	int fd = vlog_high_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	return fd < 0 ? -errno : fd;
}

/* The severities of syslog(3), which journald has taken over. */
static unsigned severity(unsigned level)
{
	static const unsigned of_level[] = { 7, 7, 6, 4, 3 };

	return of_level[level < VD_ARRAY_SIZE(of_level) ? level : VLOG_LEVEL_ERROR];
}

/*
 * The socket is not connected but named in each datagram, so that a daemon that was started again is found again.
 * MSG_NOSIGNAL: writing a log must not end the process.
 */
static int send_parts(int fd, const char *path, const struct parts *parts, int pass_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = (struct iovec *)parts->part,
		.msg_iovlen = parts->count,
	};
	ssize_t sent;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (pass_fd >= 0) {
		struct cmsghdr *head = &control.align;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &pass_fd, sizeof(int));
	}
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static void add(struct parts *parts, const char *data, size_t length)
{
	if (parts->count < MAX_PARTS)
		parts->part[parts->count++] = (struct iovec){ (void *)data, length };
}

/* @name is "\nFIELD=". A value with a newline would begin another field. */
static void add_field(struct parts *parts, const char *name, const char *value)
{
	if (!value || strchr(value, '\n'))
		return;
	add(parts, name, strlen(name));
	add(parts, value, strlen(value));
}

/* The parts of the native protocol (systemd, "Native Journal Protocol"); @size is room for the length of MESSAGE. */
static void add_message(struct parts *parts, const struct vlog_line *line, unsigned char size[static 8])
{
	const char *text = line->raw + line->text;
	size_t length = line->length - line->text;

	if (memchr(text, '\n', length)) {
		/* 64 bits, least significant byte first */
		for (unsigned i = 0; i < 8; i++)
			size[i] = (unsigned char)((uint64_t)length >> (8 * i));
		add(parts, "MESSAGE\n", 8);
		add(parts, (const char *)size, 8);
	} else {
		add(parts, "MESSAGE=", 8);
	}
	add(parts, text, length);
}

/* More than the socket takes is put into a sealed memory file, whose descriptor is sent instead. */
static void send_as_file(int fd, struct parts *parts)
{
	static const struct parts none;
	int file = memfd_create("vlog", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct iovec *part = parts->part;
	size_t left = parts->count;

	if (file < 0)
		return;
	while (left) {
		ssize_t done = writev(file, part, (int)left);

		if (done < 0) {
			close(file);
			return;
		}
		for (; left && (size_t)done >= part->iov_len; part++, left--)
			done -= (ssize_t)part->iov_len;
		if (left) {
			part->iov_base = (char *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
	/* journald reads only what cannot change any more. */
	if (!fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		send_parts(fd, vlog_journald_path, &none, file);
	close(file);
}

void vlog_journald_write(int fd, const struct vlog_line *line, const struct vlog_record *record)
{
	struct parts parts = { .count = 0 };
	unsigned char size[8];
	char numbers[64], number[32];
	int status;

	snprintf(numbers, sizeof(numbers), "\nPRIORITY=%u\nSYSLOG_FACILITY=%d", severity(record->level),
	         FACILITY_DAEMON);
	snprintf(number, sizeof(number), "%d", record->line);
	add_message(&parts, line, size);
	add(&parts, numbers, strlen(numbers));
	add_field(&parts, "\nVLOG_CATEGORY=", record->category);
	add_field(&parts, "\nCODE_FILE=", record->file);
	add_field(&parts, "\nCODE_LINE=", record->function ? number : NULL);
	add_field(&parts, "\nCODE_FUNC=", record->function);
	add(&parts, "\n", 1);
	status = send_parts(fd, vlog_journald_path, &parts, -1);
	if (status == -EMSGSIZE || status == -ENOBUFS)
		send_as_file(fd, &parts);
}

void vlog_syslog_write(int fd, const char *ident, struct vlog_line *line, unsigned level)
{
	struct parts parts = { .count = 0 };
	char head[320];
	size_t length;

	/*
	 * Without the time: all daemons stamp what has none. Local time, as syslog(3) writes it, would need a lock
	 * inside libc that the child of a fork can find locked for ever.
	 */
	vlog_line_make_safe(line);
	length = line->safe_length - 1 - line->stamp;
	snprintf(head, sizeof(head), "<%u>%.255s[%ld]: ", FACILITY_DAEMON << 3 | severity(level), ident,
	         (long)getpid());
	add(&parts, head, strlen(head));
	add(&parts, line->safe + line->stamp, length);
	if (send_parts(fd, vlog_syslog_path, &parts, -1) == -EMSGSIZE && length > SYSLOG_CUT) {
		parts.part[1].iov_len = SYSLOG_CUT;
		send_parts(fd, vlog_syslog_path, &parts, -1);
	}
}
