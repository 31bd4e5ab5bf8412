/*
 * Vacuum: files that no version within the retention needs leave the table's folder.
 *
 * What stays: every live file, every file that was removed from the table within the retention,
 * their deletion vectors, and whatever is younger than the retention, since a writer may be about
 * to commit it. What the log says is looked at again after the commit that announces the vacuum
 * and before the first file goes. Files are found by listing, or (lite) by the removes in the log,
 * which name what they like: of those only the ones that the listing would come to.
 * Nothing outside the table's folder is ever touched, and no hidden folder but _change_data. No link is
 * followed (table/folder_walk.h), and none removed, nor what one leads to.
 */
#ifndef VV_TABLE_MAINTAIN_VACUUM_H
#define VV_TABLE_MAINTAIN_VACUUM_H

#include "table/table.h"
#include "varve/arrow.h"

struct vv_vacuum_request {
    struct vv_str retain; /* "168h", "interval 7 days"; len 0: the table's property */
    bool removes;         /* false: a dry run */
    bool is_lite;
    bool is_unsafe; /* `retain` may be less than the table's property */
    struct vv_str user_name, user_metadata;
};

struct vv_vacuum_result {
    int64_t version; /* after */
    int64_t files, bytes;
    int64_t retention_ms;
    int64_t readable_version; /* all from it on can be read, not all before; -1: none is lost */
    int64_t pinned_files;     /* that stay for tags and holds alone */
};

/*
 * `out_files` (may be NULL): path and bytes of each file. ECONFLICT: another one is at work on this
 * machine, whose end this one's would be taken for. EUSAGE: see above, or a span that is
 * none; EUNSUPPORTED: a feature of the table that vacuum may not pass over. A file that can't be
 * removed is left, and fails the vacuum at its end.
 */
varve_status vv_vacuum(struct vv_op *op, struct vv_table *table,
    const struct vv_vacuum_request *request, struct vv_vacuum_result *out,
    struct ArrowArrayStream *out_files);

/*
 * The announcement of a vacuum that has not ended, or NULL; in the operation's arena. The log is
 * looked at as it is now; a commit that is damaged is passed over, with a warning.
 */
varve_status vv_vacuum_under_way(struct vv_op *op, const struct vv_table *table,
    const struct vv_history_entry **out);
/* What was taken from the table by then, the vacuum of that announcement may remove. */
int64_t vv_vacuum_until_ms(const struct vv_history_entry *start);

#endif
