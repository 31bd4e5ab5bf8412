import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;

import io.delta.storage.LogStore;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * One of two processes that want the same versions. In each round both begin at once, and wait for
 * each other again when they have given out what they write, as a writer does that takes its time.
 * Prints the versions that it was told are its own. Arguments: the class of the store, the folder of the log,
 * the file that the two see each other in, which of them this is (0 or 1), rounds.
 */
public class Race {
    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        LogStore store = (LogStore) Class.forName(args[0]).getConstructor(Configuration.class)
                .newInstance(conf);
        int who = Integer.parseInt(args[3]);
        int rounds = Integer.parseInt(args[4]);
        StringBuilder won = new StringBuilder();
        try (FileChannel channel = FileChannel.open(Paths.get(args[2]), StandardOpenOption.READ,
                StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            MappedByteBuffer seen = channel.map(FileChannel.MapMode.READ_WRITE, 0, 8);
            for (int round = 1; round <= rounds; round++) {
                meet(seen, who, 2 * round);
                Path path = new Path("file:" + args[1], String.format("%020d.json", round));
                try {
                    store.write(path, actions(seen, who, 2 * round + 1), false, conf);
                    won.append(round).append('\n');
                } catch (FileAlreadyExistsException lost) {
                    // the other one's
                }
            }
        }
        System.out.print(won);
    }

    private static Iterator<String> actions(ByteBuffer seen, int who, int count) {
        return new Iterator<String>() {
            private boolean given;

            @Override
            public boolean hasNext() {
                if (given) {
                    meet(seen, who, count);
                }
                return !given;
            }

            @Override
            public String next() {
                given = true;
                return "{\"by\":" + who + "}";
            }
        };
    }

    private static final java.lang.invoke.VarHandle INT =
            java.lang.invoke.MethodHandles.byteBufferViewVarHandle(int[].class,
                    java.nio.ByteOrder.nativeOrder());

    /** Waits until the other one has come as far. */
    private static void meet(ByteBuffer seen, int who, int count) {
        long until = System.nanoTime() + 60_000_000_000L;
        INT.setVolatile(seen, who * 4, count);
        while ((int) INT.getVolatile(seen, (1 - who) * 4) < count) {
            if (System.nanoTime() > until) {
                throw new IllegalStateException("the other process does not come");
            }
            Thread.onSpinWait();
        }
    }
}
