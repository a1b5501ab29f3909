/* One instrument's week. All times here are wall-clock times of the institution's zone, written
   without an offset; they become instants only on the way to and from the API. A drag fills the
   booking form and asks for the price: nothing is booked by a slip of the mouse. */
(() => {
  const box = document.getElementById("calendar");
  if (!box || !window.FullCalendar) return;
  const { zone, url } = box.dataset;
  const step = Number(box.dataset.step);
  const capacity = Number(box.dataset.capacity);
  const pad = (number) => String(number).padStart(2, "0");

  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const wall = (instant) => {
    const part = Object.fromEntries(format.formatToParts(new Date(instant)).map((p) => [p.type, p.value]));
    return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}`;
  };
  const instant = (text) => {
    const guess = Date.parse(`${text}Z`);
    const offset = Date.parse(`${wall(guess)}Z`) - guess;
    return new Date(guess - offset).toISOString();
  };
  const plain = (date) => date.toISOString().slice(0, 19);

  let taken = [];
  let open = [];
  const inside = (start, end) => open.some((period) => period.start <= start && end <= period.end);
  const clash = (start, end) => taken.filter((period) => period.start < end && start < period.end).length;

  // What is left of the shown days when the opening hours are cut out.
  const closed = (start, end) => {
    const holes = [];
    let from = start;
    open.forEach((period) => {
      if (period.start > from) holes.push({ start: from, end: period.start });
      if (period.end > from) from = period.end;
    });
    if (from < end) holes.push({ start: from, end });
    return holes;
  };

  // The kinds of the legend, each with a word in the box's data and a class of its own.
  const kindOf = (row) => {
    if (row.changeover) return "changeover";
    if (row.kind === "booking") return row.own ? "own" : "taken";
    return ["training", "maintenance", "closure"].includes(row.kind) ? row.kind : "other";
  };
  const event = (row) => {
    const kind = kindOf(row);
    const word = box.dataset[kind];
    return {
      start: wall(row.start),
      end: wall(row.end),
      title: row.label && row.label !== word ? `${word} · ${row.label}` : word,
      classNames: [kind],
      url: row.reference ? `/bookings/${encodeURIComponent(row.reference)}/` : undefined,
    };
  };

  const read = async (info, done, failed) => {
    try {
      const query = new URLSearchParams({ start: instant(plain(info.start)), end: instant(plain(info.end)) });
      const answer = await fetch(`${url}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const body = await answer.json();
      open = body.open.map((period) => ({ start: wall(period.start), end: wall(period.end) }));
      taken = body.busy.map((period) => ({ start: wall(period.start), end: wall(period.end) }));
      const shut = closed(plain(info.start), plain(info.end))
        .map((period) => ({ ...period, title: box.dataset.shut, display: "background", classNames: ["shut"] }));
      document.getElementById("calendar-trouble").hidden = true;
      const [from, now] = [plain(info.start), wall(Date.now())];
      const past = from < now ? [{ start: from, end: now, display: "background", classNames: ["past"] }] : [];
      done([...past, ...shut, ...body.busy.map(event)]);
    } catch (error) {
      document.getElementById("calendar-trouble").hidden = false;
      failed(error);
    }
  };

  // True while the calendar is told of a time, so that it does not tell the form in turn.
  let told = false;

  const fill = (start, end) => {
    const form = document.querySelector("#book-form, #panel form");
    if (!form) return false;
    [["start", start], ["end", end]].forEach(([name, text]) => {
      let [day, time] = text.split("T");
      time = time.slice(0, 5);
      // Midnight at the end is said as 24:00 of the day before.
      if (name === "end" && time === "00:00") {
        day = new Date(Date.parse(`${day}T00:00:00Z`) - 864e5).toISOString().slice(0, 10);
        time = "24:00";
      }
      form.elements[`${name}_day`].value = day;
      form.elements[`${name}_time`].value = time;
    });
    document.body.dispatchEvent(new CustomEvent("slot-chosen"));
    return true;
  };

  // The library's grid is nested in ways that screen readers cannot follow: to them it is plain
  // content, beside the list of the week that says the same. What scrolls is in reach of the keys.
  const mend = () => {
    box.querySelectorAll(".fc-icon[role=img]").forEach((icon) => {
      icon.removeAttribute("role");
      icon.setAttribute("aria-hidden", "true");
    });
    box.querySelectorAll("[role=grid], [role=rowgroup], [role=row], [role=gridcell], [role=columnheader]")
      .forEach((part) => part.setAttribute("role", "presentation"));
    box.querySelectorAll(".fc-scroller-liquid-absolute").forEach((part) => { part.tabIndex = 0; });
  };

  const narrow = window.matchMedia("(max-width: 575.98px)").matches;
  const first = Number(box.dataset.first);
  const last = Number(box.dataset.last);
  const clock = (hour) => `${pad(hour)}:00:00`;
  const hourly = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

  const calendar = new FullCalendar.Calendar(box, {
    locale: document.documentElement.lang.startsWith("zh") ? "zh-cn" : "en-gb",
    timeZone: "UTC",
    now: () => wall(Date.now()),
    initialDate: box.dataset.date,
    initialView: "days",
    // From today on, so that no column is wasted on what is over.
    views: { days: { type: "timeGrid", duration: { days: narrow ? 3 : 7 } } },
    dateAlignment: "day",
    headerToolbar: { start: "title", end: "today prev,next" },
    height: last - first > 16 ? 560 : "auto",
    scrollTime: "08:00:00",
    slotMinTime: clock(first),
    slotMaxTime: clock(last),
    slotDuration: "00:30:00",
    slotLabelInterval: "01:00:00",
    snapDuration: { minutes: step },
    slotLabelFormat: hourly,
    eventTimeFormat: hourly,
    dayHeaderFormat: { weekday: "short", day: "numeric", month: "numeric" },
    allDaySlot: false,
    nowIndicator: true,
    eventMinHeight: 14,
    eventContent: ({ event: shown, timeText }) => {
      if (shown.display === "background") return true;
      const time = document.createElement("span");
      const title = document.createElement("span");
      time.className = "when";
      time.textContent = timeText.replace(" - ", "–");
      title.textContent = shown.title;
      // Half an hour has room for one line: what it is comes before when.
      const minutes = (shown.end - shown.start) / 6e4;
      if (minutes <= 30) return { domNodes: [title, document.createTextNode(" "), time] };
      if (minutes <= 60) title.className = "one-line";
      return { domNodes: [time, title] };
    },
    // A short or a narrow one hides its end: pointing at it says all.
    eventDidMount: ({ event: shown, el, timeText }) => {
      if (shown.display !== "background") el.title = `${timeText.replace(" - ", "–")} ${shown.title}`;
    },
    selectable: true,
    selectMirror: false,
    unselectAuto: false,
    selectOverlap: true,
    longPressDelay: 350,
    selectAllow: (span) => {
      const start = plain(span.start);
      const end = plain(span.end);
      return plain(new Date(Date.parse(`${start}Z`) + step * 6e4)) > wall(Date.now())
        && inside(start, end) && clash(start, end) < capacity;
    },
    stickyHeaderDates: false,
    select: (span) => {
      if (told) return;
      if (fill(plain(span.start), plain(span.end)) && narrow) {
        document.getElementById("panel").scrollIntoView({ block: "start" });
      }
    },
    events: read,
    datesSet: () => window.requestAnimationFrame(mend),
  });
  calendar.render();

  const draw = (start, end) => {
    told = true;
    const { activeStart, activeEnd } = calendar.view;
    if (start < plain(activeStart) || start >= plain(activeEnd)) calendar.gotoDate(start);
    calendar.select(start, end);
    told = false;
  };

  // A typed time is drawn too.
  const typed = (form, name) => {
    const day = form.elements[`${name}_day`].value;
    const digits = form.elements[`${name}_time`].value.replace(/\D/g, "").padStart(4, "0");
    const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
    const time = Date.parse(`${day}T00:00:00Z`) + minutes * 6e4;
    return form.elements[`${name}_time`].value && !Number.isNaN(time) ? plain(new Date(time)) : null;
  };
  document.addEventListener("change", (change) => {
    const form = change.target.closest("#book-form");
    if (!form || !/^(start|end)_/.test(change.target.name)) return;
    // Most bookings end on the day on which they start.
    if (change.target.name === "start_day" && !form.elements.end_day.value) {
      form.elements.end_day.value = form.elements.start_day.value;
    }
    const [start, end] = [typed(form, "start"), typed(form, "end")];
    if (start && end && start < end) draw(start, end);
  });

  // An alternative on this instrument fills the form in place.
  document.addEventListener("click", (click) => {
    const offer = click.target.closest("a[data-slot]");
    if (!offer) return;
    const slot = new URLSearchParams(offer.dataset.slot);
    const form = document.getElementById("book-form");
    ["start", "end"].forEach((name) => ["day", "time"].forEach((part) => {
      form.elements[`${name}_${part}`].value = slot.get(`${name}_${part}`);
    }));
    click.preventDefault();
    draw(typed(form, "start"), typed(form, "end"));
    document.body.dispatchEvent(new CustomEvent("slot-chosen"));
  });

  const list = document.getElementById("week-list");
  if (list && !window.location.hash) list.open = false;
})();
