/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of the public structs on x86-64: a change of one breaks programs that are not built
 * anew. It may be wanted, then it belongs into the change log; it must not happen unseen. */
#include <bfc/bfc.h>

#define PIN(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")

#if defined(__x86_64__) && defined(__LP64__)
PIN(bfc_err, 1040);
PIN(bfc_progress, 40);
PIN(bfc_hooks, 32);
PIN(bfc_commit_info, 136);
PIN(bfc_stage_stats, 80);
PIN(bfc_queue_stats, 24);
PIN(bfc_stats, 2152);
PIN(bfc_writer_options, 96);
PIN(bfc_reader_options, 56);
PIN(bfc_container_info, 208);
PIN(bfc_tree_info, 264);
PIN(bfc_entry, 144);
PIN(bfc_xattr, 24);
PIN(bfc_xattrs, 16);
PIN(bfc_extract_options, 72);
PIN(bfc_extract_report, 848);
PIN(bfc_problem, 24);
PIN(bfc_verify_options, 88);
PIN(bfc_verify_report, 152);
PIN(bfc_recover_report, 144);
PIN(bfc_compact_options, 56);
PIN(bfc_compact_report, 168);
PIN(bfc_image_info, 136);
PIN(bfc_image_create_options, 144);
PIN(bfc_image_list, 24);
PIN(bfc_prune_report, 16);
PIN(bfc_store_usage, 64);
PIN(bfc_dataset_options, 32);
PIN(bfc_image_delete_options, 40);
PIN(bfc_image_version, 64);
PIN(bfc_image_history, 16);
PIN(bfc_prompt, 24);
PIN(bfc_key_slot, 96);
PIN(bfc_rotate_report, 3880);
PIN(bfc_signature, 136);
PIN(bfc_sign_options, 56);
PIN(bfc_sign_report, 144);
#endif

/* Codes are part of the interface, too. */
_Static_assert(BFC_OK == 0 && BFC_E_INVALID == -1 && BFC_E_NOT_FOUND == -2 && BFC_E_EXISTS == -3 &&
                   BFC_E_CORRUPT == -4 && BFC_E_UNSUPPORTED == -5 && BFC_E_LIMIT == -6 &&
                   BFC_E_NOMEM == -7 && BFC_E_NOSPC == -8 && BFC_E_IO == -9 &&
                   BFC_E_DENIED == -10 && BFC_E_BUSY == -11 && BFC_E_CANCELLED == -12,
               "a code has changed its value");

int main(void)
{
    bfc_writer_options writer = BFC_WRITER_OPTIONS_INIT;
    bfc_reader_options reader = BFC_READER_OPTIONS_INIT;
    bfc_extract_options extract = BFC_EXTRACT_OPTIONS_INIT;
    bfc_verify_options verify = BFC_VERIFY_OPTIONS_INIT;
    bfc_compact_options compact = BFC_COMPACT_OPTIONS_INIT;
    bfc_image_create_options image = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_dataset_options dataset = BFC_DATASET_OPTIONS_INIT;
    bfc_image_delete_options deletion = BFC_IMAGE_DELETE_OPTIONS_INIT;
    bfc_stats stats = BFC_STATS_INIT;

    /* The library tells a caller's version of a struct by this member. */
    return !(writer.size == sizeof writer && reader.size == sizeof reader &&
             extract.size == sizeof extract && verify.size == sizeof verify &&
             compact.size == sizeof compact && image.size == sizeof image &&
             image.writer.size == sizeof writer && dataset.size == sizeof dataset &&
             deletion.size == sizeof deletion && stats.size == sizeof stats);
}
