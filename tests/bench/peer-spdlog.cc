/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spdlog, flushed after every message as a log of last words must be. */
#include <memory>
#include <string>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "peer.h"

static std::shared_ptr<spdlog::logger> logger;
static const char *const guest = "web01";

int peer_open(const char *dir)
{
	logger = spdlog::basic_logger_mt("bench.statements", std::string(dir) + "/spdlog");
	logger->set_level(spdlog::level::warn);
	logger->flush_on(spdlog::level::trace);
	return 0;
}

void peer_disabled(long n)
{
	for (long i = 0; i < n; i++) {
		logger->debug("guest {}: event {} of {}", guest, i, 3);
		__asm__ volatile("" ::: "memory");
	}
}

void peer_enable(void)
{
	logger->set_level(spdlog::level::debug);
}

void peer_enabled(long n)
{
	peer_disabled(n);
}
