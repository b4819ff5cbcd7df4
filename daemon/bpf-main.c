/* bpf-main.c - reeve-bpf: load the BPF programs of the sampler, hand them to reeved, end
 *
 * The kernel's type information has megabytes, and the kernel's verifier takes tens of
 * milliseconds: neither belongs into reeved. What was loaded lives on in its descriptors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "sample/bpf_load.h"
#include "sample/bpf_record.h"
#include "sys/packet.h"

enum { SOCKET_FD = 3 };

static int answer(SampleRung rung, unsigned records)
{
        BpfAnswer message = { .version = BPF_ANSWER_VERSION,
                              .record_size = sizeof(BpfRecord),
                              .records = records };
        Error error = { 0 };
        int fds[BPF_FDS] = { 0 };
        int r = bpf_load(rung, records, fds, &error);

        message.rung = (uint32_t)(r < 0 ? RUNG_PROCFS : r);
        (void)text_copy(message.reason, sizeof(message.reason), error.message);
        return packet_send(SOCKET_FD, &message, sizeof(message), fds, r < 0 ? 0 : BPF_FDS);
}

int main(int argc, char **argv)
{
        int rung = argc == 3 ? sample_rung_from_name(argv[1]) : -EINVAL, r;
        uint64_t records;

        if (rung < RUNG_ITERATOR || units_parse_number(argv[2], UINT32_MAX, &records) < 0) {
                fputs("reeve-bpf is started by reeved\n", stderr);
                return EXIT_FAILURE;
        }
        r = answer((SampleRung)rung, (unsigned)records);
        if (r < 0)
                fprintf(stderr, "reeve-bpf: cannot answer: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
