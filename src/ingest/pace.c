#include "ingest/pace.h"

#define CYCLE_S 10
#define CALM_S 9

int64_t vv_pace_us(const struct vv_pace *pace, double rows)
{
    double calm_rows = CALM_S * pace->rate;
    double cycle_rows = calm_rows + pace->burst * pace->rate;
    int64_t cycles = (int64_t)(rows / cycle_rows);
    double rest = rows - (double)cycles * cycle_rows;
    double seconds = rest < calm_rows
                         ? rest / pace->rate
                         : CALM_S + (rest - calm_rows) / (pace->burst * pace->rate);
    return cycles * CYCLE_S * 1000000 + (int64_t)(seconds * 1e6 + 0.5);
}
