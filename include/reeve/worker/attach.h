/* SPDX-License-Identifier: Apache-2.0
 *
 * attach.h - part of worker.h: the memory that reeve handed over, or one's own
 *
 * Without reeve the same stores go to memory of the process, so that nothing else has to ask. */
#pragma once

#include "reeve/worker/control.h"

/* Whatever is in the environment may be stale, or somebody else's: the memory must be what it
 * says. Return: its start, NULL */
static inline char *reeve_map_(int fd)
{
        struct stat status;
        ReeveTelemetryHeader *header;
        void *memory;

        if (fstat(fd, &status) < 0 || status.st_size < REEVE_TELEMETRY_HEADER_BYTES)
                return NULL;
        memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return NULL;
        header = (ReeveTelemetryHeader *)memory;
        if (header->magic == REEVE_TELEMETRY_MAGIC && header->version == REEVE_TELEMETRY_VERSION
            && header->total_bytes <= status.st_size
            && header->totals_bytes >= REEVE_TELEMETRY_TOTALS_BYTES
            && header->thread_bytes >= REEVE_TELEMETRY_THREAD_BYTES
            && header->histogram_count >= REEVE_TELEMETRY_HISTOGRAMS
            && header->totals_offset + header->totals_bytes <= header->total_bytes
            && header->threads_offset + (uint64_t)header->thread_count * header->thread_bytes
                       <= header->total_bytes)
                return (char *)memory;
        (void)munmap(memory, (size_t)status.st_size);
        return NULL;
}

static inline void reeve_use_own_memory_(void)
{
        ReeveProcess_ *process = &reeve_process_;

        process->totals = &process->own_totals;
        process->histograms = process->own_histograms;
        process->thread_count = 0;
        process->is_attached = false;
}

/* The memory belongs to the parent, and its threads are not here. */
static inline void reeve_after_fork_(void)
{
        ReeveProcess_ *process = &reeve_process_;

        (void)pthread_mutex_init(&process->lock, NULL);
        reeve_use_own_memory_();
        process->pool = NULL;
        reeve_self_ = NULL;
}

static inline void reeve_use_telemetry_(char *memory)
{
        ReeveProcess_ *process = &reeve_process_;
        ReeveTelemetryHeader *header = (ReeveTelemetryHeader *)(void *)memory;

        process->totals = (ReeveTelemetryTotals *)(void *)(memory + header->totals_offset);
        process->histograms =
                (ReeveTelemetryHistogram *)(void *)(memory + header->histograms_offset);
        process->threads = memory + header->threads_offset;
        process->thread_bytes = header->thread_bytes;
        process->thread_count = header->thread_count;
        process->is_attached = true;
        REEVE_STORE_(header->attached_pid, (uint32_t)getpid());
        REEVE_STORE_(header->attached_version, REEVE_TELEMETRY_VERSION);
        __atomic_store_n(&header->attached_nsec, reeve_now_(), __ATOMIC_RELEASE);
}

static inline void reeve_attach_once_(void)
{
        const char *number = getenv("REEVE_TELEMETRY_FD");
        const char *control = getenv("REEVE_CONTROL_SOCKET");
        char *memory = number && *number ? reeve_map_(atoi(number)) : NULL;
        char *path = control && *control ? strdup(control) : NULL;

        reeve_use_own_memory_();
        (void)pthread_atfork(NULL, NULL, reeve_after_fork_);
        if (memory)
                reeve_use_telemetry_(memory);
        if (path && reeve_start_thread_(reeve_control_main_, path, 64 * 1024) < 0)
                free(path);
}

__attribute__((weak)) pthread_once_t reeve_once_ = PTHREAD_ONCE_INIT;

REEVE_CALL int reeve_attach(void)
{
        (void)pthread_once(&reeve_once_, reeve_attach_once_);
        return reeve_process_.is_attached;
}

REEVE_CALL void reeve_on_threads(int (*callback)(unsigned threads, void *userdata), void *userdata)
{
        (void)pthread_mutex_lock(&reeve_process_.lock);
        reeve_process_.on_threads = callback;
        reeve_process_.on_threads_userdata = userdata;
        (void)pthread_mutex_unlock(&reeve_process_.lock);
}

REEVE_CALL bool reeve_is_draining(void)
{
        return __atomic_load_n(&reeve_process_.is_draining, __ATOMIC_ACQUIRE);
}
