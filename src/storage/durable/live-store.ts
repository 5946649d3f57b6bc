/** The SQL of live availability in a shard: what is watched, and the numbered changes of the recent past. */
import type { KeptTopic, LiveRow, LiveStore } from '../../application/live/live-store.ts';

type TopicRow = { topic: string; untilMs: number | null };
type ChangeRow = { seq: number; topic: string; type: string; data: string };

const APPEND = `
  INSERT INTO live_change (seq, topic, type, data)
  SELECT value ->> 'seq', value ->> 'topic', value ->> 'type', value ->> 'data' FROM json_each(?)`;

/** Builds the store over the SQL of a shard whose schema is up to date. */
export function createLiveStore(sql: SqlStorage): LiveStore {
  return {
    topics: (): KeptTopic[] =>
      sql.exec<TopicRow>('SELECT topic, until_ms AS untilMs FROM live_topic').toArray(),
    saveTopic({ topic, untilMs }) {
      sql.exec(
        `INSERT INTO live_topic (topic, until_ms) VALUES (?, ?)
         ON CONFLICT (topic) DO UPDATE SET until_ms = excluded.until_ms`,
        topic,
        untilMs,
      );
    },
    forgetTopic(topic) {
      sql.exec('DELETE FROM live_topic WHERE topic = ?', topic);
    },
    headSeq: () =>
      sql
        .exec<{ seq: number }>('SELECT seq FROM live_change ORDER BY seq DESC LIMIT 1')
        .toArray()[0]?.seq ?? 0,
    append(rows) {
      sql.exec(APPEND, JSON.stringify(rows));
    },
    rowsAfter: ({ topic, withServices, afterSeq, limit }) =>
      sql
        .exec<ChangeRow>(
          `SELECT seq, topic, type, data FROM live_change
           WHERE seq > ? AND (topic = ? OR (? AND substr(topic, 1, 4) = 'svc_')) ORDER BY seq LIMIT ?`,
          afterSeq,
          topic,
          withServices ? 1 : 0,
          limit,
        )
        .toArray() as LiveRow[],
    trim(throughSeq) {
      sql.exec(
        'DELETE FROM live_change WHERE seq <= ? AND seq < (SELECT max(seq) FROM live_change)',
        throughSeq,
      );
    },
  };
}
