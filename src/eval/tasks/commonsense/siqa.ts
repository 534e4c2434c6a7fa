import { commonsenseTask, numbered, optionsAfter } from "./instruction.ts";

export const siqa = commonsenseTask({
  name: "siqa",
  description: "SIQA: what people do and feel in a situation",
  folders: ["siqa", "social_i_qa", "SIQA"],
  opening: "Please choose the correct answer to the question: ",
  option: "Answer",
  answers: numbered("answer", 3),
  choices: ({ question, options }) => optionsAfter(`Q: ${question}\nA:`, options),
});
