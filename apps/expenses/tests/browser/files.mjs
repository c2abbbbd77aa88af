// The files that people of the story have.
import { crc32, deflateSync } from "node:zlib";

const HEADER = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";
const UNITS = ["Housing", "Roads", "Schools", "Parks and Green Spaces"];
const SUPPLIERS = ["Aire Builders Ltd", "Northern Grid", "Bright Print", "Stone & Sons", "Kirk Cleaning", "City Libraries Trust", "Öst Consulting"];

/** A CSV file of payments over a year and a half, and two lines that are none. */
export function payments(count) {
  const lines = [];
  for (let i = 0; i < count; i++) {
    const month = i % 18;
    const day = `${2025 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, "0")}-${String((i % 28) + 1).padStart(2, "0")}`;
    const amount = ((i * 7919) % 90000) / 100 + 20;
    lines.push(`${day},${amount.toFixed(2)},${UNITS[(i * 5) % UNITS.length]},${SUPPLIERS[(i * i) % SUPPLIERS.length]},,\n`);
  }
  lines.splice(3, 0, "31/02/2025,12.00,Roads,Wrong Day,,\n", "2025-03-01,a lot,Roads,Wrong Amount,,\n");
  return HEADER + lines.join("");
}

/** A PNG file (W3C, "Portable Network Graphics", 5 to 11) of one colour. */
export function picture(width, height, [red, green, blue]) {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.from([0, ...Array.from({ length: width }, () => [red, green, blue]).flat()]);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(Array(height).fill(row)))), chunk("IEND", Buffer.alloc(0))]);
}

export const SCRIPTED_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
